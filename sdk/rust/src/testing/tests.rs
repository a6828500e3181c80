// SPDX-License-Identifier: Apache-2.0
//! The wrappers around a plugin's calls, tried with the test host.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{
    Channel, Config, ConfigInput, Counter, Delivery, Diagnosis, Doctor, Endpoint, Failure, Gauge, Health, HealthReport, Histogram,
    Host, HttpCall, HttpReply, HttpRoute, JsonWriter, Message, Opened, Outcome, Plugin, Report, Run, Token,
};

struct Stumbling;

impl Plugin for Stumbling {
    fn new(_: Host) -> Result<Self, Failure> {
        Ok(Stumbling)
    }
    fn stop(&self) {
        panic!("at the end");
    }
}

impl Channel for Stumbling {
    fn open(&self, endpoint: &Endpoint<'_>) -> Result<Opened, Failure> {
        match endpoint.settings().text("mood").as_deref() {
            Some("bad") => panic!("a bad mood"),
            _ => Ok(Opened { token: Token { index: 1, generation: 1 }, slots: 1 }),
        }
    }
    fn close(&self, _: Token) {}
    fn deliver(&self, message: &Message<'_>, delivery: Delivery) {
        assert!(message.recipient() != "nobody", "nobody is there");
        delivery.complete(&Outcome::delivered());
    }
}

impl Health for Stumbling {
    fn check_health(&self) -> HealthReport {
        match FEELS.load(Ordering::SeqCst) {
            1 => HealthReport::Degraded("The list is old.".into()),
            2 => HealthReport::Failing("The card is out.".into()),
            3 => panic!("dizzy"),
            _ => HealthReport::Good,
        }
    }
}
static FEELS: AtomicUsize = AtomicUsize::new(0);

impl Config for Stumbling {
    fn check_settings(&self, input: &ConfigInput<'_>, report: &Report<'_>) {
        if input.settings().text("mood").is_none() {
            report.error("mood", "SETTINGS_INVALID", input.name());
        }
    }
    fn migrate_settings(&self, input: &ConfigInput<'_>, report: &Report<'_>) -> Option<String> {
        let humour = input.settings().text("humour")?;
        report.warning("humour", "SETTINGS_INVALID", "\"humour\" became \"mood\".");
        Some(JsonWriter::new().text("mood", &humour).end())
    }
}

impl HttpRoute for Stumbling {
    fn call(&self, call: &HttpCall<'_>, reply: HttpReply) {
        match call.path() {
            "/panic" => panic!("on the way"),
            "/forget" => {}
            "/later" => drop(std::thread::spawn(move || reply.send(429, "text/plain", &[("retry-after", "7")], b"later"))),
            _ => reply.refuse(404, "There is no \"such\" path."),
        }
    }
}

impl Doctor for Stumbling {
    fn diagnose(&self, request: &Diagnosis<'_>, run: Run) -> Result<(), Failure> {
        match request.recipient() {
            "nobody" => Err("nobody is there".into()),
            "panic" => panic!("dizzy"),
            "later" => {
                std::thread::spawn(move || run.stage("reach", true, "OK", "there"));
                Ok(())
            }
            _ => {
                run.stage("reach", false, "NOT_REACHED", "away");
                Ok(())
            }
        }
    }
}

unsafe extern "C" fn get_extension(_: *mut c_void, id: tocsin_string) -> *const c_void {
    match text_of(&id) {
        TOCSIN_EXT_CHANNEL => crate::calls::tables::channel::table::<Stumbling>(),
        TOCSIN_EXT_HEALTH => crate::calls::tables::health::table::<Stumbling>(),
        TOCSIN_EXT_CONFIG => crate::calls::tables::config::table::<Stumbling>(),
        TOCSIN_EXT_HTTP_ROUTE => crate::calls::tables::http_route::table::<Stumbling>(),
        TOCSIN_EXT_DOCTOR => crate::calls::tables::doctor::table::<Stumbling>(),
        other => panic!("{}", other),
    }
}

unsafe extern "C" fn create(host: *const tocsin_host, plugin: *mut *const tocsin_plugin,
                            error: *const tocsin_sink) -> tocsin_status {
    crate::calls::create::<Stumbling>(host, plugin, error, get_extension)
}

extern "C" fn entry() -> *const tocsin_entry {
    static ENTRY: crate::manifest::Entry =
        crate::manifest::entry(b"{\"id\":\"stumbling\",\"version\":\"1.0.0\"}", create);
    &ENTRY.0
}

#[test]
fn a_panic_fails_the_call_and_goes_no_further() {
    let host = TestHost::start(entry);
    assert_eq!(host.open_channel("{\"mood\":\"bad\"}").unwrap_err(), "a bad mood");
    let endpoint = host.open_channel("{}").unwrap();
    host.deliver(endpoint, "nobody", "", "");
    host.deliver(endpoint, "somebody", "", "");
    let outcomes = host.state().outcomes.clone();
    assert_eq!((outcomes[0].class, outcomes[0].code.as_str()), (TOCSIN_CLASS_UNCERTAIN, "PLUGIN_CRASHED"));
    assert_eq!(outcomes[1].class, TOCSIN_CLASS_DELIVERED);
    assert!(host.state().log[0].ends_with("call=channel.deliver panic=nobody is there"));
}

#[test]
fn a_request_is_answered_once_whatever_becomes_of_it() {
    let host = TestHost::start(entry);
    for path in ["/panic", "/forget", "/nowhere"] {
        host.request(Token::default(), "GET", path, "");
    }
    let answers = host.state().http_answers.clone();
    assert_eq!(answers.iter().map(|one| one.status).collect::<Vec<_>>(), [500, 500, 404]);
    assert!(answers[0].body.contains("SOURCE_FAILED") && answers[0].content_type == "application/problem+json");
    assert!(answers[2].body.ends_with(r#""detail":"There is no \"such\" path."}"#), "{}", answers[2].body);
    assert!(host.state().log[0].ends_with("call=http_route.call panic=on the way"));
    let call = host.request(Token::default(), "GET", "/later", "");
    host.wait_until(Duration::from_secs(20), |state| state.http_answers.len() == 4);
    let last = host.state().http_answers[3].clone();
    assert_eq!((last.call, last.status, last.body.as_str()), (call, 429, "later"));
    assert_eq!(last.headers, [("retry-after".to_string(), "7".to_string())]);
}

#[test]
fn a_diagnosis_ends_once_and_one_that_failed_to_begin_does_not() {
    let host = TestHost::start(entry);
    host.diagnose(Token::default(), "").unwrap();
    host.wait_until(Duration::ZERO, |state| (state.stages.len(), state.diagnoses) == (1, 1));
    assert_eq!(host.diagnose(Token::default(), "nobody").unwrap_err(), "nobody is there");
    assert_eq!(host.diagnose(Token::default(), "panic").unwrap_err(), "dizzy");
    assert_eq!(host.state().diagnoses, 1);
    host.diagnose(Token::default(), "later").unwrap();
    host.wait_until(Duration::from_secs(20), |state| state.diagnoses == 2);
    assert_eq!(host.state().stages[1], Stage { stage: "reach".into(), ok: true, code: "OK".into(), detail: "there".into() });
}

#[test]
fn metrics_are_recorded_and_without_a_host_for_them_do_nothing() {
    let host = TestHost::start(entry);
    let plugin = unsafe { Host::new(&host.inner.raw) };
    let failed = Counter::new(plugin, "ends_total", "Ends.", &[("result", "failed")]);
    failed.add(2);
    failed.add(1);
    assert_eq!((host.metric("ends_total", "result=failed").value, host.metric("ends_total", "result=failed").records), (3, 2));
    let level = Gauge::new(plugin, "level", "Level.", &[]);
    level.set(7);
    level.set(5);
    assert_eq!(host.metric("level", "").value, 5);
    Histogram::new(plugin, "wait_seconds", "Wait.", &[10, 100], 1000, &[]).observe(12);
    assert_eq!(host.metric("wait_seconds", "").kind, TOCSIN_METRIC_HISTOGRAM);

    unsafe extern "C" fn nothing(_: *mut c_void, _: tocsin_string) -> *const c_void {
        std::ptr::null()
    }
    let mut raw: tocsin_host = unsafe { std::mem::zeroed() };
    raw.get_extension = Some(nothing);
    Counter::new(unsafe { Host::new(&raw) }, "ends_total", "Ends.", &[]).add(1);
}

#[test]
fn the_clock_goes_on_from_timer_to_timer() {
    let host = TestHost::start(entry);
    let plugin = unsafe { Host::new(&host.inner.raw) };
    host.state().now_ms = 1_000;
    plugin.start_timer(1, 500);
    plugin.start_timer(2, 0);
    plugin.start_timer(3, u64::MAX);
    assert_eq!((host.next_due(1_500), host.state().now_ms), (Some(2), 1_001));
    assert_eq!((host.next_due(1_499), host.state().now_ms), (None, 1_001));
    assert_eq!((host.next_due(1_500), host.state().now_ms), (Some(1), 1_500));
    plugin.cancel_timer(3);
    assert_eq!((host.next_due(i64::MAX), host.state().timers.len()), (None, 0));
}

#[test]
#[should_panic(expected = "did not come within 1ms")]
fn a_wait_that_is_in_vain_panics() {
    TestHost::start(entry).wait_until(Duration::from_millis(1), |state| state.diagnoses == 1);
}

#[test]
fn a_plugin_says_how_it_is_and_a_panic_is_failing() {
    let host = TestHost::start(entry);
    for (feels, state, text) in [
        (0, TOCSIN_HEALTH_GOOD, ""),
        (1, TOCSIN_HEALTH_DEGRADED, "The list is old."),
        (2, TOCSIN_HEALTH_FAILING, "The card is out."),
        (3, TOCSIN_HEALTH_FAILING, "dizzy"),
    ] {
        FEELS.store(feels, Ordering::SeqCst);
        assert_eq!(host.check_health(), (state, text.to_string()));
    }
}

#[test]
fn settings_are_looked_at_and_older_ones_brought_up_to_date() {
    let host = TestHost::start(entry);
    assert!(host.check_settings("{\"mood\":\"good\"}").is_empty());
    assert_eq!(host.check_settings("{}")[0].text, "test");
    let (made, found) = host.migrate_settings("{\"humour\":\"good\"}").unwrap();
    assert_eq!(made, "{\"mood\":\"good\"}");
    assert_eq!(found[0].key, "humour");
    assert!(host.migrate_settings("{}").is_none());
}

#[test]
fn a_host_without_extensions_refuses_what_needs_them_and_passes_over_the_rest() {
    unsafe extern "C" fn nothing(_: *mut c_void, _: tocsin_string) -> *const c_void {
        std::ptr::null()
    }
    let mut raw: tocsin_host = unsafe { std::mem::zeroed() };
    raw.get_extension = Some(nothing);
    let host = unsafe { Host::new(&raw) };
    host.log(crate::Level::Info, "unheard");
    assert_eq!(host.now_ms(), None);
    assert!(!host.start_timer(1, 1));
    assert_eq!(host.reveal(1).unwrap_err().status, TOCSIN_UNSUPPORTED);
    assert_eq!(host.publish(Token::default(), 1, &Event::default(), &[]).unwrap_err().status, TOCSIN_UNSUPPORTED);
}
