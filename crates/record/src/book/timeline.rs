//! Which entries stand on which incident's timeline.

use crate::{Book, Entry, Event, FindingKey, PlanId, PlanPurpose};

impl Book {
    /// Puts the entry on the timeline of the incident it belongs to.
    pub(super) fn note_in_incident(&mut self, entry: &Entry) {
        let of_plan = |plan: &PlanId| match self.plans.get(plan).map(|record| &record.plan.purpose) {
            Some(PlanPurpose::Heal(incident)) => Some(*incident),
            _ => None,
        };
        let of_finding = |key: &FindingKey| {
            self.incidents.values().rev().find(|i| i.findings.contains_key(key)).map(|i| i.id)
        };
        let incident = match &entry.event {
            Event::FindingRaised { finding } | Event::FindingChanged { finding } => {
                self.findings.get(&finding.key).and_then(|standing| standing.incident)
            }
            Event::FindingCleared { key, .. } => of_finding(key),
            Event::IncidentOpened { incident, .. }
            | Event::IncidentJoined { incident, .. }
            | Event::IncidentRegraded { incident, .. }
            | Event::IncidentMerged { incident, .. }
            | Event::IncidentMeasured { incident, .. }
            | Event::IncidentClosed { incident, .. } => Some(*incident),
            Event::PlanProposed { plan } => of_plan(&plan.id),
            Event::PlanDecided { plan, .. }
            | Event::PlanApproved { plan, .. }
            | Event::PlanDeclined { plan, .. }
            | Event::PlanRefused { plan, .. }
            | Event::PlanStarted { plan, .. }
            | Event::PlanUndoing { plan, .. }
            | Event::PlanEnded { plan, .. }
            | Event::StepStarted { plan, .. }
            | Event::StepEnded { plan, .. }
            | Event::UndoStarted { plan, .. }
            | Event::UndoEnded { plan, .. } => of_plan(plan),
            Event::EvidenceFiled { evidence } => evidence.incident,
            Event::ReflexReported { .. } | Event::Halted { .. } | Event::Resumed { .. } => {
                self.open_incidents().last().map(|record| record.id)
            }
            _ => None,
        };
        if let Some(record) = incident.and_then(|id| self.incidents.get_mut(&id)) {
            record.entries.push(entry.seq);
        }
    }
}
