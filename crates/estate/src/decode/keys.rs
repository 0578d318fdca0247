//! Every key of an estate's files, with its meaning, unit and default.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use dinghai_clock::Day;
use serde_json::{Value as Json, json};

use super::scalars::{Rate, Share, Surge, UrlPath, words};
use super::shape::{At, Decode, Defs, Named, OneOrMany, Short, keys};
use super::traffic::{
    CookieName, Expression, FieldName, FieldValue, FilePath, HostPattern, HostPort, Method, OwnFieldName,
    RedirectStatus, ServerName,
};
use crate::problem::{Problems, Spot};
use crate::tree::Node;
use crate::{
    ActionBudget, Address, Autonomy, Balance, Console, DrillId, GatewayId, Grades, InstanceId, ListenerId,
    Money, PlaceId, PlaceKind, Priority, PromiseId, ProxyVersion, Restart, RouteId, ServiceId, ShareLimit,
    Tier, TlsVersion,
};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

keys! {
    /// A file of the estate. Any file may hold any of the sections.
    EstateKeys("estate file") {
        /// The estate's name; one file says it.
        estate: String = "estate";
        /// More files to read, as paths relative to this one.
        include: Vec<At<String>> = "include" | "includes";
        /// Files and folders of other tools whose facts belong to this estate, as paths relative to this one.
        import: Vec<At<String>> = "import" | "imports";
        /// Failure domains by name: what is in one of them fails together.
        places: Named<PlaceId, PlaceKeys> = "places" | "failure-domains";
        /// Services by name.
        services: Named<ServiceId, ServiceKeys> = "services";
        /// Gateways by name: processes on the traffic path.
        gateways: Named<GatewayId, GatewayKeys> = "gateways";
        /// Measurable commitments: a profile, and what differs from it.
        promises: PromisesKeys = "promises" | "slos" | "slo";
        /// Rehearsed failures by name.
        drills: Named<DrillId, DrillKeys> = "drills" | "experiments";
        /// How much healthy capacity automatons and people together may take at once.
        budget: BudgetKeys = "budget";
        /// Where the grades of incidents begin.
        grades: GradeKeys = "grades" | "severities";
        /// How long an incident stays open after its last finding has cleared; 10 minutes unless said.
        quiet: Duration = "quiet";
        /// The operators' console.
        console: ConsoleKeys = "console";
        /// Findings of `check` that are left as they are for a time.
        accept: Vec<At<AcceptKeys>> = "accept" | "accepts" | "suppress";
    }

    /// A failure domain: what is in it fails together.
    PlaceKeys("place") {
        /// What kind of domain it is.
        kind: PlaceKind = "kind" | "type", required;
        /// The vendor behind it.
        vendor: String = "vendor" | "provider";
        /// The places that directly contain it; several when domains overlap (a node in a zone and on a power feed).
        within: OneOrMany<PlaceId> = "within" | "parent" | "parents";
        /// Names of zones to declare within this region, when there is nothing else to say of them.
        zones: Vec<At<PlaceId>> = "zones";
    }

    /// A function that is kept standing.
    ServiceKeys("service") {
        /// How much depends on it.
        tier: Tier = "tier", default(Tier::Secondary);
        /// Healthy instances it must never have fewer of by our own doing.
        minimum: u32 = "minimum" | "min" | "min-available", default(1);
        /// The widest kind of place whose loss it outlives; `zone` for core services and `node` for secondary ones
        /// unless said.
        survive: PlaceKind = "survive";
        /// Its running copies.
        instances: Vec<At<InstanceKeys>> = "instances" | "targets" | "endpoints";
        /// Instances that stand by, to be started when capacity is needed.
        spares: Vec<At<InstanceKeys>> = "spares" | "standbys";
        /// How its instances are asked whether they answer.
        probe: ProbeKeys = "probe" | "health-check" | "healthcheck";
        /// How connections to its instances are secured; in clear unless said.
        tls: SecuredKeys = "tls";
        /// The version of the PROXY header that tells its instances who the client is; none unless said. A connection to
        /// them then carries one client only.
        proxy_protocol: ProxyVersion = "proxy-protocol";
        /// Services it depends on: a name (a hard need), or the long form.
        needs: Vec<At<Short<ServiceId, NeedKeys>>> = "needs" | "depends_on" | "depends-on" | "dependencies";
        /// How far automatons may go by themselves, by kind of action.
        autonomy: AutonomyKeys = "autonomy", default(AutonomyKeys::default());
        /// What a request to it is worth; without it losses are unknown.
        value: ValueKeys = "value";
        /// How much it has to carry, and how much one instance carries; without it capacity is not judged.
        capacity: CapacityKeys = "capacity";
    }

    /// A running copy of a service at a place.
    InstanceKeys("instance") {
        /// Its name, unique in the estate; `SERVICE@PLACE` unless said, then `SERVICE@PLACE.2`.
        name: InstanceId = "name" | "id";
        /// The place that directly holds it, or several when places overlap.
        at: OneOrMany<PlaceId> = "at" | "place", required;
        /// Host and port where it answers.
        address: Address = "address" | "addr", required;
        /// How it is started, when that is for us to do.
        run: RunKeys = "run";
    }

    /// How an instance is run by the hand's own process supervisor.
    RunKeys("run") {
        /// Program and arguments, as a list; there is no shell.
        process: Vec<At<String>> = "process" | "command", required;
        /// Environment variables, added to the hand's own.
        env: Named<String, String> = "env" | "environment";
        /// Working directory; the estate's folder unless said.
        directory: String = "directory" | "cwd" | "working_dir";
        /// Who starts it again after it exits unasked.
        restart: Restart = "restart", default(Restart::default());
        /// How long it may take to end after SIGTERM before SIGKILL.
        stop_within: Duration = "stop-within" | "stop_grace_period", default(seconds(10));
    }

    /// How instances are asked whether they answer: one of `http`, `tcp` and `process`.
    ProbeKeys("probe") {
        /// GET this path over HTTP/1.1; 200 to 399 is an answer.
        http: UrlPath = "http";
        /// A TCP connection opens.
        tcp: bool = "tcp";
        /// The process that the hand started is there.
        process: bool = "process";
        /// Pause between the starts of two probes, jittered; at least 100 ms.
        every: Duration = "every" | "interval", default(seconds(1));
        /// No answer within this is a failure.
        timeout: Duration = "timeout", default(Duration::from_millis(500));
        /// Failures in a row that make an instance down.
        fall: NonZeroU32 = "fall" | "unhealthy-threshold", default(number(3));
        /// Answers in a row that make it up again.
        rise: NonZeroU32 = "rise" | "healthy-threshold", default(number(2));
        /// Answers slower than this count as slow; shorter than `timeout`.
        slow: Duration = "slow";
    }

    /// A dependency on another service.
    NeedKeys("need") {
        /// The service that is needed.
        service: ServiceId = "service", required;
        /// How badly.
        kind: NeedWord = "kind", default(NeedWord::Hard);
        /// What the service does instead while a soft need is not met, in a few words.
        fallback: String = "fallback";
    }

    /// How far automatons may go by themselves.
    AutonomyKeys("autonomy") {
        /// Start an instance again where it ran.
        restart: Autonomy = "restart", default(Autonomy::default());
        /// Change weights at a gateway.
        shift_traffic: Autonomy = "shift-traffic", default(Autonomy::default());
        /// Start spares.
        scale: Autonomy = "scale", default(Autonomy::default());
        /// Make a standby primary.
        promote: Autonomy = "promote", default(Autonomy::default());
    }

    /// What a service's requests are worth.
    ValueKeys("value") {
        /// Visits, such as `10000/min`.
        visits: Rate = "visits";
        /// Share of visits that become an order.
        conversion: Share = "conversion";
        /// What one order brings, such as `30 USD`.
        order: Money = "order";
        /// Shares of failed buyers who come back later, for the low, the likely and the high loss.
        come_back: Vec<At<Share>> = "come-back";
    }

    /// How much a service has to carry, and how much one instance carries.
    CapacityKeys("capacity") {
        /// What one instance carries, such as `500/s`.
        each: Rate = "each", required;
        /// The load at the usual peak.
        peak: Rate = "peak", required;
        /// How far a surge goes, as a share of the peak: `300%` is three times the peak.
        surge: Surge = "surge", default(Surge(1.0));
    }

    /// A process on the traffic path.
    GatewayKeys("gateway") {
        /// IP address and port of the listener `public`, or listeners by name: each an address, or the long form.
        listen: Short<SocketAddr, Named<ListenerId, Short<SocketAddr, ListenerKeys>>> = "listen" | "listeners", required;
        /// Which requests go where: by host, then exact path, longest prefix, expressions in order, then most conditions.
        routes: Vec<At<RouteKeys>> = "routes";
        /// Addresses of proxies whose `X-Forwarded-*` headers are believed; none unless said.
        trusted_proxies: Vec<At<IpAddr>> = "trusted-proxies";
        /// Below this share of healthy instances it spreads over all of them instead of ejecting.
        panic_below: Share = "panic-below", default(Share(0.5));
    }

    /// Where connections are taken, and how.
    ListenerKeys("listener") {
        /// IP address and port.
        address: SocketAddr = "address" | "listen", required;
        /// Connections are secured.
        tls: TerminationKeys = "tls";
        /// Addresses of proxies that begin each connection with a PROXY header, version 1 or 2. Their word about the client is
        /// believed, and nobody else may connect.
        proxy_protocol: Vec<At<IpAddr>> = "proxy-protocol";
        /// Bytes are passed to a service as they are, instead of requests by routes.
        tcp: PassageKeys = "tcp";
    }

    /// How a listener secures connections.
    TerminationKeys("tls") {
        /// The certificates; a client gets the one for the name that it asks for, or the first.
        certificates: Vec<At<CertificateKeys>> = "certificates", required;
        /// Clients have to show certificates, or may.
        clients: ClientsKeys = "clients";
        /// The oldest version that is spoken.
        minimum: TlsVersion = "minimum" | "min-version", default(TlsVersion::V1_2);
    }

    /// A certificate and its private key, as files in PEM. They are read again when they change.
    CertificateKeys("certificate") {
        /// The certificate, followed by those that vouch for it; the whole path, from `/` on.
        certificate: FilePath = "certificate" | "cert", required;
        /// Its private key.
        key: FilePath = "key", required;
    }

    /// Which certificates of clients are believed.
    ClientsKeys("client certificates") {
        /// Those who vouch for clients, in PEM.
        ca: FilePath = "ca", required;
        /// Whether a client without a certificate is refused.
        required: bool = "required", default(true);
    }

    /// Bytes passed as they are.
    PassageKeys("tcp") {
        /// The service that is connected to.
        to: ServiceId = "to" | "service" | "backend", required;
        /// How an instance is chosen.
        balance: Balance = "balance" | "load-balancing", default(Balance::default());
        /// How long nothing may be said by either side.
        idle: Duration = "idle", default(seconds(3600));
    }

    /// How connections to the instances of a service are secured.
    SecuredKeys("service tls") {
        /// Those who vouch for the instances, in PEM; the whole path, from `/` on.
        ca: FilePath = "ca", required;
        /// The name that an instance's certificate has to have; the host of its address unless said.
        server_name: ServerName = "server-name" | "sni";
        /// What is shown to the instances.
        client: CertificateKeys = "client";
    }

    /// Which requests go where.
    RouteKeys("route") {
        /// Its name, unique in its gateway; `LISTENER:HOST/PATH` unless said.
        name: RouteId = "name" | "id";
        /// The path prefix it is for, matched at `/` borders; or one of `exact`, `prefix` and `regex`.
        path: Short<UrlPath, PathKeys> = "path" | "prefix", default(Short::Plain(UrlPath("/".to_owned())));
        /// The service that answers, or several with their weights, such as `{ order: 95, order-next: 5 }`.
        to: Short<ServiceId, Named<ServiceId, u32>> = "to" | "service" | "backend";
        /// Where the gateway itself sends the client, instead of `to`.
        redirect: RedirectKeys = "redirect";
        /// The `Host` it is for, without port; `*.example` is every name below `example`; any unless said.
        host: HostPattern = "host";
        /// The method, or methods, it is for; any unless said.
        method: OneOrMany<Method> = "method" | "methods";
        /// Header fields that a request must have, by name: a value, or one of `exact`, `prefix`, `regex` and `present`.
        headers: Named<FieldName, Short<String, HeaderKeys>> = "headers";
        /// What keeps a client on its side where `to` names several services.
        sticky: StickyKeys = "sticky";
        /// The path that the instance sees in place of the route's own; `$1` is what the first group of a `regex` holds.
        rewrite: UrlPath = "rewrite";
        /// Changes of a request's header fields.
        request_headers: HeaderEditKeys = "request-headers";
        /// Changes of an answer's header fields.
        response_headers: HeaderEditKeys = "response-headers";
        /// The listener it belongs to; `public` unless said, or the gateway's only one.
        listener: ListenerId = "listener";
        /// Who goes first when not all can be served.
        priority: Priority = "priority", default(Priority::default());
        /// How an instance is chosen.
        balance: Balance = "balance" | "load-balancing", default(Balance::default());
        /// The longest a whole request may take.
        timeout: Duration = "timeout", default(seconds(15));
        /// What it does when its gateway has lost the controller: a word, or a word with its lease.
        when_cut_off: Short<CutOffWord, CutOffKeys> = "when-cut-off", default(Short::Plain(CutOffWord::Serve));
    }

    /// How a path is compared: one of these.
    PathKeys("path") {
        /// It is this, to the letter.
        exact: UrlPath = "exact";
        /// It is this or stands below it, at a `/` border.
        prefix: UrlPath = "prefix";
        /// As a whole it fits this regular expression.
        regex: Expression = "regex";
    }

    /// What is wanted of a header field: one of these.
    HeaderKeys("header") {
        /// A value is this, to the letter.
        exact: String = "exact";
        /// A value begins with this.
        prefix: String = "prefix";
        /// A value as a whole fits this regular expression.
        regex: Expression = "regex";
        /// Whether the field is sent at all.
        present: bool = "present";
    }

    /// Where a client is sent; what is not stated stays as the client asked.
    RedirectKeys("redirect") {
        /// 307 and 308 keep the method; 301 and 308 are remembered by clients.
        status: RedirectStatus = "status" | "code", default(RedirectStatus(307));
        /// The scheme.
        scheme: SchemeWord = "scheme";
        /// The host, with a port where it is not the scheme's.
        host: HostPort = "host";
        /// The whole path.
        path: UrlPath = "path";
        /// What stands in place of the route's prefix.
        prefix: UrlPath = "prefix";
    }

    /// What keeps a client on its side: one of these.
    StickyKeys("sticky") {
        /// The value of this cookie.
        cookie: CookieName = "cookie";
        /// The value of this header field.
        header: FieldName = "header";
    }

    /// Changes of header fields: `remove` goes first, then `set`, then `append`.
    HeaderEditKeys("header edits") {
        /// Fields with these values and no others of the name.
        set: Named<OwnFieldName, FieldValue> = "set";
        /// Fields beside those that are there.
        append: Named<OwnFieldName, FieldValue> = "append" | "add";
        /// Fields that do not pass.
        remove: Vec<At<OwnFieldName>> = "remove";
    }

    /// What a route does when its gateway has lost the controller: one of the two.
    CutOffKeys("when-cut-off") {
        /// It answers only GET, HEAD and OPTIONS once the lease has ended.
        read_only: LeaseKeys = "read-only";
        /// It answers nothing once the lease has ended.
        stop: LeaseKeys = "stop";
    }

    /// How long a route serves everything after the controller was last heard.
    LeaseKeys("lease") {
        /// How long.
        lease: Duration = "lease", default(seconds(30));
    }

    /// What is promised.
    PromiseKeys("promise") {
        /// The measured time is at most this.
        within: Duration = "within" | "target";
        /// The measured share is at least this.
        at_least: Share = "at-least";
        /// How old its proof may be.
        max_age: Duration = "max-age", default(seconds(30 * DAY));
    }

    /// A rehearsed failure.
    DrillKeys("drill") {
        /// What is broken: one of `kill-place`, `kill-instance` and `hang-instance`.
        fault: FaultKeys = "fault" | "action", required;
        /// How long the fault is held before it is undone.
        hold: Duration = "hold" | "duration", default(seconds(10));
        /// How often it is due: `day`, `week`, `month`, `quarter`, `year` or a duration.
        every: Every = "every" | "schedule";
        /// What must be so for the drill to pass; what is not stated is not judged.
        expect: ExpectKeys = "expect" | "hypothesis", default(ExpectKeys::default());
        /// Above this share of failed requests the fault is undone at once.
        stop_above: Share = "stop-above" | "abort-above", default(Share(0.05));
    }

    /// What a drill breaks: one of these.
    FaultKeys("fault") {
        /// SIGKILL to every instance at this place, and no start there until the undo.
        kill_place: PlaceId = "kill-place";
        /// SIGKILL to this instance.
        kill_instance: InstanceId = "kill-instance";
        /// SIGSTOP to this instance until the undo.
        hang_instance: InstanceId = "hang-instance";
    }

    /// What must be so for a drill to pass.
    ExpectKeys("expect") {
        /// Limit on the share of requests that fail from the fault to recovery, such as `< 0.5%`.
        failed_requests: ShareLimit = "failed-requests";
        /// Limit on the time from the fault to the last failed request.
        failing_within: Duration = "failing-within";
        /// Limit on the time from the end of the fault until every instance is up and its weight restored.
        healed_within: Duration = "healed-within";
    }

    /// How much healthy capacity automatons and people together may take.
    BudgetKeys("budget") {
        /// Healthy instances of one service that may be taken in a window, beyond its minimum.
        per_service: u32 = "per-service", default(ActionBudget::default().per_service);
        /// Places out of which healthy capacity may be taken in a window.
        places: u32 = "places", default(ActionBudget::default().places);
        /// The window.
        window: Duration = "window", default(ActionBudget::default().window);
    }

    /// Where the grades of incidents begin: shares of failed requests of a core path, and of core services.
    GradeKeys("grades") {
        /// P0 from this share of failed requests on.
        p0_failed: Share = "p0-failed", default(Share(Grades::default().p0_failed));
        /// P0 from this share of core services below their minimum on.
        p0_services: Share = "p0-services", default(Share(Grades::default().p0_services));
        /// P1 from this share of failed requests on.
        p1_failed: Share = "p1-failed", default(Share(Grades::default().p1_failed));
    }

    /// The operators' console.
    ConsoleKeys("console") {
        /// IP address and port where it listens.
        listen: SocketAddr = "listen", default(Console::default().listen);
    }

    /// A finding of `check` that is known and left as it is until a day.
    AcceptKeys("acceptance") {
        /// The rule, as `check` names it.
        rule: String = "rule", required;
        /// The service that the finding is about, or several that it is about together; any unless said.
        about: OneOrMany<ServiceId> = "about" | "service" | "services";
        /// The place that is lost in it, or the places that are lost together; any unless said.
        lost: OneOrMany<PlaceId> = "lost" | "lose";
        /// Why it is accepted.
        reason: String = "reason" | "because", required;
        /// The last day on which it is, such as `2027-03-01`.
        until: Day = "until" | "expires", required;
    }
}

/// Seconds of a day.
const DAY: u64 = 86_400;

/// How badly a service is needed, as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NeedWord {
    Hard,
    Soft,
}

/// A scheme, as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SchemeWord {
    Http,
    Https,
}

/// What a route does without the controller, as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CutOffWord {
    Serve,
    ReadOnly,
    Stop,
}

/// Where promises come from that are not stated one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Standard,
    None,
}

/// A promise that is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Off {
    Off,
}

/// A period by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Period {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

words! {
    PlaceKind, "a kind of place" {
        "node" | "host" | "machine" => Self::Node, "One machine.";
        "rack" => Self::Rack, "One rack.";
        "power" => Self::Power, "One power feed.";
        "network" => Self::Network, "One network path.";
        "zone" | "availability-zone" | "az" => Self::Zone, "One zone of a region.";
        "region" => Self::Region, "One region of a vendor.";
        "account" => Self::Account, "One account at a vendor.";
        "vendor" | "provider" => Self::Vendor, "One vendor.";
    }
    Tier, "a tier" {
        "core" | "critical" => Self::Core, "The business stops without it.";
        "secondary" => Self::Secondary, "Useful, not vital.";
    }
    Restart, "a word for who restarts it" {
        "plan" => Self::Plan, "A plan does, so that budget, autonomy and ledger see it.";
        "hand" => Self::Hand, "The hand does, at once and then with back-off.";
    }
    NeedWord, "a kind of need" {
        "hard" => Self::Hard, "Without it the service fails.";
        "soft" => Self::Soft, "Without it the service falls back.";
    }
    Autonomy, "a degree of autonomy" {
        "off" => Self::Off, "No plan is made.";
        "shadow" => Self::Shadow, "The plan is recorded and not taken.";
        "ask" => Self::Ask, "The plan waits for a person.";
        "auto" => Self::Auto, "The plan runs while evidence for this kind of action lives; it asks otherwise.";
    }
    Priority, "a priority" {
        "core" => Self::Core, "Served to the last.";
        "normal" => Self::Normal, "Neither vital nor optional.";
        "optional" => Self::Optional, "Dropped first of what people see.";
        "background" => Self::Background, "Work nobody waits for.";
    }
    Balance, "a way to choose an instance" {
        "least-request" | "leastconn" | "least-conn" => Self::LeastRequest,
            "The one with the fewest requests in flight, weighted.";
        "round-robin" | "roundrobin" => Self::RoundRobin, "In turn, weighted.";
    }
    TlsVersion, "a version of TLS" {
        "1.2" => Self::V1_2, "RFC 5246.";
        "1.3" => Self::V1_3, "RFC 8446.";
    }
    ProxyVersion, "a version of the PROXY protocol" {
        "v1" => Self::V1, "One line of text.";
        "v2" => Self::V2, "Binary.";
    }
    SchemeWord, "a scheme" {
        "http" => Self::Http, "In clear.";
        "https" => Self::Https, "Over TLS.";
    }
    CutOffWord, "what a route does when cut off" {
        "serve" => Self::Serve, "It goes on serving.";
        "read-only" => Self::ReadOnly, "It answers only GET, HEAD and OPTIONS once its lease has ended.";
        "stop" => Self::Stop, "It answers nothing once its lease has ended.";
    }
    Profile, "a profile of promises" {
        "standard" => Self::Standard, "Every promise of the catalogue, with its standard target.";
        "none" => Self::None, "Only what is stated.";
    }
    Off, "a promise: write `off`, or a map" {
        "off" => Self::Off, "It is not promised.";
    }
    Period, "a period such as `month`, or a duration such as `36h`" {
        "day" | "daily" => Self::Day, "24 hours.";
        "week" | "weekly" => Self::Week, "7 days.";
        "month" | "monthly" => Self::Month, "30 days.";
        "quarter" | "quarterly" => Self::Quarter, "91 days.";
        "year" | "yearly" => Self::Year, "365 days.";
    }
}

/// How often a drill is due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Every(pub(crate) Duration);

impl Decode for Every {
    fn decode(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        if let crate::tree::Value::Scalar(text) = &node.value
            && let Ok(span) = dinghai_clock::parse_span(text)
        {
            return Some(Self(span));
        }
        let days = match Period::decode(node, problems)? {
            Period::Day => 1,
            Period::Week => 7,
            Period::Month => 30,
            Period::Quarter => 91,
            Period::Year => 365,
        };
        Some(Self(seconds(days * DAY)))
    }

    fn schema(defs: &mut Defs) -> Json {
        json!({ "anyOf": [Period::schema(defs), Duration::schema(defs)] })
    }
}

/// A promise by its id.
pub(crate) type Stated = (At<PromiseId>, At<Short<Off, PromiseKeys>>);

/// A profile, and promises by id: the one section whose keys are the catalogue's.
#[derive(Debug, Default)]
pub(crate) struct PromisesKeys {
    pub(crate) profile: Option<At<Profile>>,
    pub(crate) stated: Vec<Stated>,
}

const PROFILE_DOC: &str = "Where promises come from that are not stated here; `standard` unless said.";

impl Decode for PromisesKeys {
    fn decode(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let mut read = Self::default();
        for (key, value) in super::shape::entries(node, "a map (promises)", problems)? {
            let catalogue = crate::promise_catalogue();
            match &*key.text {
                "profile" => read.profile = At::decode(value, problems),
                text if catalogue.iter().any(|known| known.id == text) => {
                    let id = At { value: PromiseId::new(text), at: key.at };
                    read.stated.extend(At::decode(value, problems).map(|promise| (id, promise)));
                }
                _ => {
                    let known: Vec<&str> = catalogue.iter().map(|known| known.id).collect();
                    super::shape::unknown_promise(key, &known, problems);
                }
            }
        }
        Some(read)
    }

    fn schema(defs: &mut Defs) -> Json {
        super::shape::section(
            defs,
            "promises",
            &["Measurable commitments: a profile, and what differs from it, by id."],
            |defs| {
                let profile = super::shape::KeySchema {
                    key: "profile",
                    aliases: &[],
                    doc: &[PROFILE_DOC],
                    schema: Profile::schema(defs),
                    required: false,
                    default: Profile::Standard.written(),
                };
                let promises = crate::promise_catalogue().iter().map(|known| super::shape::KeySchema {
                    key: known.id,
                    aliases: &[],
                    doc: std::slice::from_ref(&known.meaning),
                    schema: Short::<Off, PromiseKeys>::schema(defs),
                    required: false,
                    default: Json::Null,
                });
                std::iter::once(profile).chain(promises).collect()
            },
        )
    }
}
