//! The rules.

use dinghai_record::Reason;

use crate::{Action, Principal, Resource, Role};

/// Whether somebody may do something, and the rule that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether they may.
    pub allow: bool,
    /// The rule that decided; when they may not, who may.
    pub reasons: Vec<Reason>,
}

/// Decides one request. The same request gets the same decision.
pub fn decide(principal: &Principal, action: Action, resource: &Resource) -> Decision {
    let Some((rule, least)) = rule(action, resource) else {
        let reason = Reason::new("access-no-rule").with("action", action.as_str()).with("resource", resource);
        return Decision { allow: false, reasons: vec![reason] };
    };
    let allow = principal.role >= least;
    let code = if allow { "access-allowed" } else { "access-denied" };
    let reason = Reason::new(code).with("rule", rule).with("role", principal.role);
    Decision { allow, reasons: vec![reason.with("least", least).with("resource", resource)] }
}

/// The rule for an action on a resource: its name, and the least trusted role that it permits.
const fn rule(action: Action, resource: &Resource) -> Option<(&'static str, Role)> {
    match (action, resource) {
        (Action::Read, Resource::Users) => Some(("admins-see-users", Role::Admin)),
        (Action::Read, _) => Some(("everybody-reads", Role::Viewer)),
        (Action::Approve | Action::Decline, Resource::Plan(_)) => {
            Some(("operators-decide-plans", Role::Operator))
        }
        (Action::RunDrill, Resource::Drill(_)) => Some(("operators-run-drills", Role::Operator)),
        (Action::Halt, Resource::Estate) => Some(("operators-halt", Role::Operator)),
        (Action::Resume, Resource::Estate) => Some(("operators-resume", Role::Operator)),
        (Action::ManageUsers, Resource::Users) => Some(("admins-manage-users", Role::Admin)),
        (
            Action::Approve
            | Action::Decline
            | Action::RunDrill
            | Action::Halt
            | Action::Resume
            | Action::ManageUsers,
            _,
        ) => None,
    }
}

#[cfg(test)]
mod tests {
    use dinghai_record::{IncidentId, PlanId};

    use super::*;

    fn resources() -> [Resource; 6] {
        [
            Resource::Estate,
            Resource::Incident(IncidentId(1)),
            Resource::Plan(PlanId(1)),
            Resource::Drill("zone-loss".into()),
            Resource::Ledger,
            Resource::Users,
        ]
    }

    fn ask(role: Role, action: Action, resource: &Resource) -> Decision {
        decide(&Principal { subject: "s-1".into(), role }, action, resource)
    }

    #[test]
    fn each_role_may_do_exactly_what_the_table_says() {
        let (estate, plan, drill) =
            (Resource::Estate, Resource::Plan(PlanId(1)), Resource::Drill("d".into()));
        let table = [
            // action, resource, viewer, operator, admin
            (Action::Read, &estate, [true, true, true]),
            (Action::Read, &Resource::Ledger, [true, true, true]),
            (Action::Read, &Resource::Users, [false, false, true]),
            (Action::Approve, &plan, [false, true, true]),
            (Action::Decline, &plan, [false, true, true]),
            (Action::RunDrill, &drill, [false, true, true]),
            (Action::Halt, &estate, [false, true, true]),
            (Action::Resume, &estate, [false, true, true]),
            (Action::ManageUsers, &Resource::Users, [false, false, true]),
            (Action::Approve, &estate, [false, false, false]),
            (Action::Halt, &plan, [false, false, false]),
        ];
        for (action, resource, expected) in table {
            for (role, expected) in Role::ALL.into_iter().zip(expected) {
                let decision = ask(role, action, resource);
                assert_eq!(decision.allow, expected, "{role} {action:?} {resource}: {decision:?}");
            }
        }
    }

    #[test]
    fn a_more_trusted_role_may_do_no_less() {
        for action in Action::ALL {
            for resource in resources() {
                let allowed = Role::ALL.map(|role| ask(role, action, &resource).allow);
                assert!(allowed.is_sorted(), "{action:?} {resource}: {allowed:?}");
            }
        }
    }

    #[test]
    fn every_decision_is_explained() {
        for role in Role::ALL {
            for action in Action::ALL {
                for resource in resources() {
                    assert!(!ask(role, action, &resource).reasons.is_empty());
                }
            }
        }
        let denied = ask(Role::Viewer, Action::Halt, &Resource::Estate);
        assert_eq!(
            denied.reasons[0].to_string(),
            "access-denied (least: operator, resource: estate, role: viewer, rule: operators-halt)"
        );
    }

    #[test]
    fn reads_the_roles_it_writes() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        assert_eq!(
            "root".parse::<Role>().unwrap_err().to_string(),
            "`root` is not a role; say `viewer`, `operator` or `admin`"
        );
    }
}
