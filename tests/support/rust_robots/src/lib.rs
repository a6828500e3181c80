//! The robots of tests/support/c_robots in Rust: they say by HTTP that they live, each becomes an event, and who is silent
//! for a minute makes the plugin degraded. As a channel it keeps what is to wait.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Mutex;
use std::thread::JoinHandle;
use tocsin_sdk::*;

const SILENCE_MS: u64 = 60_000;
const ALARM: u64 = 1_000;

struct Robots {
    host: Host,
    taken: Counter,
    refused: Counter,
    present: Gauge,
    size: Histogram,
    silent: AtomicBool,
    sources: TokenTable<()>,
    endpoints: TokenTable<()>,
    replies: Mutex<HashMap<u64, HttpReply>>,
    beats: Mutex<u64>,
    waiting: Mutex<Vec<Delivery>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Plugin for Robots {
    fn new(host: Host) -> Result<Self, Failure> {
        let counter = |result| Counter::new(host, "heartbeats_total", "Heartbeats, by what became of them.", &[("result", result)]);
        Ok(Robots {
            host,
            taken: counter("taken"),
            refused: counter("refused"),
            present: Gauge::new(host, "robots", "Robots that are known.", &[]),
            size: Histogram::new(host, "request_bytes", "How long a request is.", &[16, 256], 1, &[]),
            silent: AtomicBool::new(false),
            sources: TokenTable::new(),
            endpoints: TokenTable::new(),
            replies: Mutex::new(HashMap::new()),
            beats: Mutex::new(0),
            waiting: Mutex::new(Vec::new()),
            threads: Mutex::new(Vec::new()),
        })
    }

    fn stop(&self) {
        for one in std::mem::take(&mut *self.threads.lock().unwrap()) {
            let _ = one.join();
        }
        self.give_back(|_| true);
    }
}

impl Robots {
    fn give_back(&self, which: impl Fn(Token) -> bool) {
        let mut waiting = self.waiting.lock().unwrap();
        let (back, keep): (Vec<Delivery>, Vec<Delivery>) = waiting.drain(..).partition(|one| which(one.token()));
        *waiting = keep;
        drop(waiting);
        back.into_iter().for_each(|one| one.complete(&Outcome::returned()));
    }
}

impl Source for Robots {
    fn open(&self, _: &SourceConfig<'_>) -> Result<Token, Failure> {
        self.host.start_timer(ALARM, SILENCE_MS);
        Ok(self.sources.add(()))
    }

    fn close(&self, source: Token) {
        self.host.cancel_timer(ALARM);
        self.sources.remove(source);
    }

    fn published(&self, _: Token, ticket: u64, result: &PublishResult<'_>) {
        let good = result.status() == abi::TOCSIN_OK;
        if good { &self.taken } else { &self.refused }.add(1);
        self.present.set(1);
        let reply = self.replies.lock().unwrap().remove(&ticket);
        match reply {
            Some(reply) if good => reply.json(202, r#"{"seen":true}"#),
            Some(reply) => reply.refuse(503, "The event is not on disk."),
            None => {}
        }
    }
}

impl Timer for Robots {
    fn fired(&self, _: u64) {
        self.silent.store(true, Ordering::SeqCst);
    }
}

impl HttpRoute for Robots {
    fn call(&self, call: &HttpCall<'_>, reply: HttpReply) {
        self.size.observe(call.body().len() as i64);
        let robot = match call.json().text("robot") {
            Some(robot) => robot,
            None => {
                self.refused.add(1);
                return reply.refuse(400, "The body has no \"robot\".");
            }
        };
        self.silent.store(false, Ordering::SeqCst);
        self.host.start_timer(ALARM, SILENCE_MS);
        let beat = {
            let mut beats = self.beats.lock().unwrap();
            *beats += 1;
            *beats
        };
        let data = JsonWriter::new().text("robot", &robot).integer("beat", beat as i64).flag("alive", true).end();
        let id = beat.to_string();
        let event = Event { id: &id, source: "/robots", kind: "test.heartbeat", time_ms: self.host.now_ms(), data: &data, ..Event::default() };
        self.replies.lock().unwrap().insert(beat, reply);
        if self.host.publish(call.source(), beat, &event, &[("last", &robot)]).is_err() {
            self.refused.add(1);
            if let Some(reply) = self.replies.lock().unwrap().remove(&beat) {
                reply.refuse(503, "There is no room for an event now.");
            }
        }
    }
}

impl Health for Robots {
    fn check_health(&self) -> HealthReport {
        match self.silent.load(Ordering::SeqCst) {
            true => HealthReport::Degraded("No robot has called for a minute.".into()),
            false => HealthReport::Good,
        }
    }
}

impl Config for Robots {
    fn check_settings(&self, input: &ConfigInput<'_>, report: &Report<'_>) {
        let first = input.settings().integer("first");
        if first >= input.settings().integer("last") {
            report.error("first", "SETTINGS_INVALID", "The first hour is not before the last.");
        }
    }

    fn migrate_settings(&self, input: &ConfigInput<'_>, report: &Report<'_>) -> Option<String> {
        let begin = input.settings().integer("begin")?;
        report.warning("begin", "SETTINGS_INVALID", "\"begin\" became \"first\".");
        Some(JsonWriter::new().integer("first", begin).end())
    }
}

impl Channel for Robots {
    fn open(&self, _: &Endpoint<'_>) -> Result<Opened, Failure> {
        Ok(Opened { token: self.endpoints.add(()), slots: 8 })
    }

    fn close(&self, endpoint: Token) {
        self.give_back(|_| true);
        self.endpoints.remove(endpoint);
    }

    /// What is to "wait" does, until a message to "wake up" has a thread of the plugin's take all.
    fn deliver(&self, message: &Message<'_>, delivery: Delivery) {
        if message.subject() != "wait" && message.subject() != "wake up" {
            return delivery.complete(&Outcome::delivered());
        }
        let mut waiting = self.waiting.lock().unwrap();
        waiting.push(delivery);
        if message.subject() == "wake up" {
            let all = std::mem::take(&mut *waiting);
            let take = move || all.into_iter().for_each(|one| one.complete(&Outcome::delivered()));
            self.threads.lock().unwrap().push(std::thread::spawn(take));
        }
    }

    fn cancel(&self, deliveries: &[Token]) {
        self.give_back(|one| deliveries.contains(&one));
    }
}

impl Doctor for Robots {
    fn diagnose(&self, request: &Diagnosis<'_>, run: Run) -> Result<(), Failure> {
        self.endpoints.get(request.endpoint()).ok_or("there is no such endpoint")?;
        run.stage("greet", true, "OK", "a robot is there");
        run.stage("ask", false, "NO_ROBOT", "it did not answer");
        Ok(())
    }
}

export_plugin!(Robots: source, timer, http_route, health, config, channel, doctor);

#[cfg(test)]
mod tests {
    use std::time::Duration;
    use tocsin_sdk::abi::*;
    use tocsin_sdk::testing::TestHost;

    #[test]
    fn takes_requests_and_counts() {
        let host = TestHost::start(super::tocsin_plugin_entry_v1);
        let source = host.open_source("hall", r#"{"first":8,"last":17}"#).unwrap();
        let seen = host.request(source, "POST", "/heartbeat", r#"{"robot":"R\"2\u0001"}"#);
        let published = host.state().events[0].clone();
        assert_eq!(published.data, r#"{"robot":"R\"2\u0001","beat":1,"alive":true}"#);
        assert_eq!((published.origin.as_str(), published.kind.as_str()), ("/robots", "test.heartbeat"));
        host.answer_published(source, published.ticket, TOCSIN_OK, "");
        host.request(source, "POST", "/heartbeat", "{}");
        host.state().publishing = TOCSIN_UNAVAILABLE;
        host.request(source, "POST", "/heartbeat", r#"{"robot":"R3"}"#);
        let answers = host.state().http_answers.clone();
        assert_eq!(answers.iter().map(|one| one.status).collect::<Vec<_>>(), [202, 400, 503]);
        assert_eq!((answers[0].call, answers[0].body.as_str()), (seen, r#"{"seen":true}"#));
        assert!(answers[1].body.contains(r#""detail":"The body has no \"robot\".""#));
        assert_eq!(host.metric("heartbeats_total", "result=taken").value, 1);
        assert_eq!(host.metric("heartbeats_total", "result=refused").value, 2);
        assert_eq!((host.metric("robots", "").value, host.metric("request_bytes", "").records), (1, 3));
    }

    #[test]
    fn says_how_it_is_when_the_clock_goes_on() {
        let host = TestHost::start(super::tocsin_plugin_entry_v1);
        host.open_source("hall", "{}").unwrap();
        host.advance(Duration::from_millis(59_999));
        assert_eq!(host.check_health(), (TOCSIN_HEALTH_GOOD, String::new()));
        host.advance(Duration::from_millis(1));
        assert_eq!(host.check_health(), (TOCSIN_HEALTH_DEGRADED, "No robot has called for a minute.".into()));
    }

    #[test]
    fn gives_deliveries_back_and_takes_them_on_a_thread() {
        let host = TestHost::start(super::tocsin_plugin_entry_v1);
        let endpoint = host.open_channel("{}").unwrap();
        let (first, second) = (host.deliver(endpoint, "ops", "wait", ""), host.deliver(endpoint, "ops", "wait", ""));
        host.cancel(first);
        assert_eq!((host.outcome_of(first).unwrap().class, host.outcome_of(second)), (TOCSIN_CLASS_RETURNED, None));
        host.diagnose(endpoint, "").unwrap();
        host.wait_until(Duration::ZERO, |state| (state.stages.len(), state.diagnoses) == (2, 1));
        host.close_channel(endpoint);
        assert!(host.outcome_of(second).is_some());
        assert_eq!(host.diagnose(endpoint, "").unwrap_err(), "there is no such endpoint");
        host.deliver(endpoint, "ops", "wait", "");
        host.deliver(endpoint, "ops", "wake up", "");
        host.wait_until(Duration::from_secs(20), |state| state.outcomes.len() == 4);
    }
}
