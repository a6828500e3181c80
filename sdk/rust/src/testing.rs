// SPDX-License-Identifier: Apache-2.0
//! A small host for a plugin's own tests: creates and starts the plugin, calls it, and keeps what it hands in. It is
//! friendly; `tocsin plugin test` is the hostile one.

use crate::abi::*;
use crate::host::sink;
use crate::values::{lend, slice_of, text_of, Event, Token};
use std::collections::BTreeMap;
use std::os::raw::c_void;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a delivery came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    pub delivery: Token,
    pub class: u32,
    pub code: String,
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    pub source: Token,
    pub ticket: u64,
    pub id: String,
    pub kind: String,
    pub data: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub fatal: bool,
    pub key: String,
    pub code: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    pub status: tocsin_status,
    pub value: Vec<u8>,
    pub reason: String,
}

/// What the plugin handed in so far.
#[derive(Default)]
pub struct State {
    pub outcomes: Vec<Completed>,
    pub events: Vec<Published>,
    pub answers: Vec<Answered>,
    pub memory: BTreeMap<String, String>,
    /// Number and delay of the timers that run.
    pub timers: BTreeMap<u64, u64>,
    pub log: Vec<String>,
    /// The value of every secret.
    pub secret: Vec<u8>,
    pub now_ms: i64,
    last_delivery: u64,
}

struct Inner {
    state: Mutex<State>,
    raw: tocsin_host,
}

pub struct TestHost {
    inner: Box<Inner>,
    plugin: *const tocsin_plugin,
}

type EntryPoint = extern "C" fn() -> *const tocsin_entry;

unsafe fn state<'a>(context: *mut c_void) -> MutexGuard<'a, State> {
    (*context.cast::<Inner>()).state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn size_of<T>() -> u32 {
    std::mem::size_of::<T>() as u32
}

impl TestHost {
    /// `TestHost::start(tocsin_plugin_entry_v1)`. Panics with the plugin's words if it does not start.
    pub fn start(entry: EntryPoint) -> TestHost {
        Self::start_with(entry, State::default())
    }

    /// The same with memory, secrets or a time that are there before.
    pub fn start_with(entry: EntryPoint, begin: State) -> TestHost {
        let mut inner = Box::new(Inner {
            state: Mutex::new(begin),
            raw: tocsin_host {
                struct_size: size_of::<tocsin_host>(),
                abi_version: TOCSIN_ABI_VERSION,
                context: std::ptr::null_mut(),
                name: lend("test"),
                version: lend("1.0.0"),
                get_extension: Some(get_extension),
            },
        });
        inner.raw.context = (&mut *inner as *mut Inner).cast();
        let mut plugin = std::ptr::null();
        let mut error = Vec::new();
        let to_error = sink(&mut error);
        // SAFETY: the host outlives the plugin: drop() destroys it first.
        unsafe {
            let created = ((*entry()).create.expect("create"))(&inner.raw, &mut plugin, &to_error);
            assert_eq!(created, TOCSIN_OK, "create(): {}", String::from_utf8_lossy(&error));
            let started = ((*plugin).start.expect("start"))((*plugin).self_, &to_error);
            assert_eq!(started, TOCSIN_OK, "start(): {}", String::from_utf8_lossy(&error));
        }
        TestHost { inner, plugin }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn this(&self) -> *mut c_void {
        unsafe { (*self.plugin).self_ }
    }

    /// An extension of the plugin's.
    fn table<T>(&self, id: &str) -> &T {
        // SAFETY: the table that belongs to the id, by the interface's law.
        unsafe {
            let table = ((*self.plugin).get_extension.expect("get_extension"))(self.this(), lend(id)).cast::<T>();
            table.as_ref().unwrap_or_else(|| panic!("the plugin has no {}", id))
        }
    }

    fn answered(&self, call: impl FnOnce(&tocsin_sink) -> (tocsin_status, tocsin_token)) -> Result<Token, String> {
        let mut error = Vec::new();
        let to_error = sink(&mut error);
        let (status, token) = call(&to_error);
        if status == TOCSIN_OK { Ok(token.into()) } else { Err(String::from_utf8_lossy(&error).into_owned()) }
    }

    pub fn open_channel(&self, settings: &str) -> Result<Token, String> {
        let open = self.table::<tocsin_channel>(TOCSIN_EXT_CHANNEL).open.expect("open");
        self.answered(|error| unsafe {
            let mut endpoint: tocsin_endpoint = std::mem::zeroed();
            endpoint.struct_size = size_of::<tocsin_endpoint>();
            endpoint.channel = lend("test");
            endpoint.settings = lend(settings);
            let mut info: tocsin_endpoint_info = std::mem::zeroed();
            info.struct_size = size_of::<tocsin_endpoint_info>();
            (open(self.this(), &endpoint, &mut info, error), info.token)
        })
    }

    /// Hand over one message; its outcome is in `state().outcomes`.
    pub fn deliver(&self, endpoint: Token, recipient: &str, subject: &str, text: &str) {
        let deliver = self.table::<tocsin_channel>(TOCSIN_EXT_CHANNEL).deliver.expect("deliver");
        let mut message: tocsin_message = unsafe { std::mem::zeroed() };
        message.struct_size = size_of::<tocsin_message>();
        message.attempt = 1;
        message.delivery = self.next_token();
        message.endpoint = endpoint.into();
        message.recipient = lend(recipient);
        message.language = lend("en");
        message.message_id = lend("test@example.org");
        message.subject = lend(subject);
        message.text = lend(text);
        let batch = [&message as *const tocsin_message];
        unsafe { deliver(self.this(), batch.as_ptr(), 1) }
    }

    fn next_token(&self) -> tocsin_token {
        let mut state = self.state();
        state.last_delivery += 1;
        tocsin_token { index: state.last_delivery, generation: 1 }
    }

    pub fn open_source(&self, name: &str, settings: &str) -> Result<Token, String> {
        let open = self.table::<tocsin_source>(TOCSIN_EXT_SOURCE).open.expect("open");
        self.answered(|error| unsafe {
            let mut config: tocsin_source_config = std::mem::zeroed();
            config.struct_size = size_of::<tocsin_source_config>();
            config.name = lend(name);
            config.settings = lend(settings);
            config.credits = 16;
            let mut token = Token::default().into();
            (open(self.this(), &config, &mut token, error), token)
        })
    }

    pub fn close_source(&self, source: Token) {
        let close = self.table::<tocsin_source>(TOCSIN_EXT_SOURCE).close.expect("close");
        unsafe { close(self.this(), source.into()) }
    }

    /// Let every timer that runs now run out once.
    pub fn fire_timers(&self) {
        let fired = self.table::<tocsin_timer>(TOCSIN_EXT_TIMER).fired.expect("fired");
        let due = std::mem::take(&mut self.state().timers);
        for id in due.keys() {
            unsafe { fired(self.this(), *id) }
        }
    }

    /// Ask the plugin for its health: the state and the sentence.
    pub fn check_health(&self) -> (tocsin_health_state, String) {
        let check = self.table::<tocsin_health>(TOCSIN_EXT_HEALTH).check.expect("check");
        let mut text = Vec::new();
        let to_text = sink(&mut text);
        let state = unsafe { check(self.this(), &to_text) };
        (state, String::from_utf8_lossy(&text).into_owned())
    }

    /// Have the plugin look at the settings of `[channels.test]`.
    pub fn check_settings(&self, settings: &str) -> Vec<Found> {
        let check = self.table::<tocsin_config>(TOCSIN_EXT_CONFIG).check.expect("check");
        let mut found: Vec<Found> = Vec::new();
        unsafe { check(self.this(), &config_input(settings), &report_to(&mut found)) }
        found
    }

    /// Have it bring older settings of `[channels.test]` up to date. None: they were never right.
    pub fn migrate_settings(&self, settings: &str) -> Option<(String, Vec<Found>)> {
        let migrate = self.table::<tocsin_config>(TOCSIN_EXT_CONFIG).migrate.expect("migrate");
        let (mut found, mut made) = (Vec::new(), Vec::new());
        let to_made = sink(&mut made);
        let status = unsafe { migrate(self.this(), &config_input(settings), &to_made, &report_to(&mut found)) };
        (status == TOCSIN_OK).then(|| (String::from_utf8_lossy(&made).into_owned(), found))
    }

    /// Have a preset look at settings.
    pub fn check_preset(&self, settings: &str) -> Vec<Found> {
        let check = self.table::<tocsin_preset>(TOCSIN_EXT_PRESET).check.expect("check");
        let mut found: Vec<Found> = Vec::new();
        let mut endpoint: tocsin_endpoint = unsafe { std::mem::zeroed() };
        endpoint.struct_size = size_of::<tocsin_endpoint>();
        endpoint.channel = lend("test");
        endpoint.settings = lend(settings);
        unsafe { check(self.this(), &endpoint, &report_to(&mut found)) }
        found
    }

    pub fn open_subscriber(&self, name: &str, settings: &str) -> Result<Token, String> {
        let open = self.table::<tocsin_subscriber>(TOCSIN_EXT_SUBSCRIBER).open.expect("open");
        self.answered(|error| unsafe {
            let config = tocsin_subscription {
                struct_size: size_of::<tocsin_subscription>(),
                reserved: 0,
                name: lend(name),
                settings: lend(settings),
            };
            let mut token = Token::default().into();
            (open(self.this(), &config, &mut token, error), token)
        })
    }

    /// Hand one event to a subscription, after `lost` that were passed over.
    pub fn hand_event(&self, subscription: Token, event: &Event<'_>, lost: u64) {
        let events = self.table::<tocsin_subscriber>(TOCSIN_EXT_SUBSCRIBER).events.expect("events");
        let raw = event.to_abi();
        let batch = [&raw as *const tocsin_event];
        unsafe { events(self.this(), subscription.into(), batch.as_ptr(), 1, lost) }
    }

    pub fn open_store(&self, name: &str, settings: &str) -> Result<Token, String> {
        let open = self.table::<tocsin_secret_store>(TOCSIN_EXT_SECRETS).open.expect("open");
        self.answered(|error| unsafe {
            let config = tocsin_secret_store_config {
                struct_size: size_of::<tocsin_secret_store_config>(),
                reserved: 0,
                name: lend(name),
                settings: lend(settings),
            };
            let mut token = Token::default().into();
            (open(self.this(), &config, &mut token, error), token)
        })
    }

    /// Ask a secret store; its answer is in `state().answers`.
    pub fn fetch(&self, store: Token, reference: &str) {
        let fetch = self.table::<tocsin_secret_store>(TOCSIN_EXT_SECRETS).fetch.expect("fetch");
        unsafe { fetch(self.this(), store.into(), self.next_token(), lend(reference)) }
    }
}

impl Drop for TestHost {
    fn drop(&mut self) {
        // SAFETY: the last calls.
        unsafe {
            if let Some(stop) = (*self.plugin).stop {
                stop(self.this());
            }
            if let Some(destroy) = (*self.plugin).destroy {
                destroy(self.this());
            }
        }
    }
}

// What the host offers.

fn report_to(found: &mut Vec<Found>) -> tocsin_finding_report {
    unsafe extern "C" fn take(context: *mut c_void, finding: *const tocsin_finding) {
        (*context.cast::<Vec<Found>>()).push(Found {
            fatal: (*finding).fatal != 0,
            key: text_of(&(*finding).key).into(),
            code: text_of(&(*finding).code).into(),
            text: text_of(&(*finding).text).into(),
        });
    }
    tocsin_finding_report {
        struct_size: size_of::<tocsin_finding_report>(),
        reserved: 0,
        context: (found as *mut Vec<Found>).cast(),
        finding: Some(take),
    }
}

fn config_input(settings: &str) -> tocsin_config_input {
    let mut input: tocsin_config_input = unsafe { std::mem::zeroed() };
    input.struct_size = size_of::<tocsin_config_input>();
    input.table = lend("channels");
    input.name = lend("test");
    input.settings = lend(settings);
    input
}

unsafe extern "C" fn write_log(context: *mut c_void, _: tocsin_log_level, text: tocsin_string, fields: *const tocsin_field,
                               count: u64) {
    let mut line = text_of(&text).to_string();
    for field in slice_of(fields, count) {
        line += &format!(" {}={}", text_of(&field.name), text_of(&field.value));
    }
    state(context).log.push(line);
}

unsafe extern "C" fn now_ms(context: *mut c_void) -> i64 {
    state(context).now_ms
}

unsafe extern "C" fn monotonic_ns(context: *mut c_void) -> u64 {
    state(context).now_ms as u64 * 1_000_000
}

unsafe extern "C" fn start_timer(context: *mut c_void, id: u64, delay_ms: u64) {
    state(context).timers.insert(id, delay_ms);
}

unsafe extern "C" fn cancel_timer(context: *mut c_void, id: u64) {
    state(context).timers.remove(&id);
}

unsafe fn write_to(to: *const tocsin_sink, bytes: &[u8]) -> tocsin_status {
    match to.as_ref().and_then(|sink| sink.write) {
        Some(write) => write((*to).context, tocsin_bytes { data: bytes.as_ptr(), size: bytes.len() as u64 }),
        None => TOCSIN_UNSUPPORTED,
    }
}

unsafe extern "C" fn reveal(context: *mut c_void, _: u64, value: *const tocsin_sink, _: *const tocsin_sink) -> tocsin_status {
    let secret = state(context).secret.clone();
    write_to(value, &secret)
}

unsafe extern "C" fn complete(context: *mut c_void, outcomes: *const *const tocsin_outcome, count: u64) {
    for outcome in slice_of(outcomes, count).iter().map(|one| &**one) {
        state(context).outcomes.push(Completed {
            delivery: outcome.delivery.into(),
            class: outcome.outcome_class,
            code: text_of(&outcome.code).into(),
            detail: text_of(&outcome.detail).into(),
        });
    }
}

unsafe extern "C" fn publish(context: *mut c_void, source: tocsin_token, ticket: u64, events: *const *const tocsin_event,
                             event_count: u64, memory: *const tocsin_field, memory_count: u64,
                             error: *const tocsin_sink) -> tocsin_status {
    let events: Vec<Event<'_>> = slice_of(events, event_count).iter().map(|one| Event::borrowed(*one)).collect();
    if events.iter().any(|event| event.id.is_empty() || event.source.is_empty() || event.kind.is_empty()) {
        write_to(error, b"an event needs id, source and type");
        return TOCSIN_INVALID;
    }
    for event in events {
        state(context).events.push(Published {
            source: source.into(),
            ticket,
            id: event.id.into(),
            kind: event.kind.into(),
            data: event.data.into(),
        });
    }
    for entry in slice_of(memory, memory_count) {
        state(context).memory.insert(text_of(&entry.name).into(), text_of(&entry.value).into());
    }
    TOCSIN_OK
}

unsafe extern "C" fn recall(context: *mut c_void, _: tocsin_token, name: tocsin_string, value: *const tocsin_sink) -> tocsin_status {
    let remembered = state(context).memory.get(text_of(&name)).cloned();
    remembered.map_or(TOCSIN_OK, |text| write_to(value, text.as_bytes()))
}

unsafe extern "C" fn answer(context: *mut c_void, _: tocsin_token, answer: *const tocsin_secret_answer) {
    let answer = &*answer;
    state(context).answers.push(Answered {
        status: answer.status,
        value: slice_of(answer.value.data, answer.value.size).to_vec(),
        reason: text_of(&answer.reason).into(),
    });
}

unsafe extern "C" fn get_extension(_: *mut c_void, id: tocsin_string) -> *const c_void {
    macro_rules! table {
        ($table:ident { $($field:ident: $function:ident),* }) => {{
            static TABLE: $table = $table { struct_size: std::mem::size_of::<$table>() as u32, reserved: 0, $($field: Some($function)),* };
            (&TABLE as *const $table).cast()
        }};
    }
    match text_of(&id) {
        TOCSIN_HOST_LOG => table!(tocsin_host_log { write: write_log }),
        TOCSIN_HOST_CLOCK => table!(tocsin_host_clock { now_ms: now_ms, monotonic_ns: monotonic_ns }),
        TOCSIN_HOST_TIMER => table!(tocsin_host_timer { start: start_timer, cancel: cancel_timer }),
        TOCSIN_HOST_SECRETS => table!(tocsin_host_secrets { reveal: reveal }),
        TOCSIN_HOST_COMPLETE => table!(tocsin_host_complete { complete: complete }),
        TOCSIN_HOST_PUBLISH => table!(tocsin_host_publish { publish: publish, recall: recall }),
        TOCSIN_HOST_SECRET_ANSWER => table!(tocsin_host_secret_answer { answer: answer }),
        _ => std::ptr::null(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use crate::{Channel, Config, ConfigInput, Delivery, Endpoint, Failure, Health, HealthReport, Host, Message, Opened, Outcome, Plugin, Report, Token};

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
            Some(format!("{{\"mood\":\"{}\"}}", humour))
        }
    }

    unsafe extern "C" fn get_extension(_: *mut c_void, id: tocsin_string) -> *const c_void {
        match text_of(&id) {
            TOCSIN_EXT_CHANNEL => crate::calls::tables::channel::table::<Stumbling>(),
            TOCSIN_EXT_HEALTH => crate::calls::tables::health::table::<Stumbling>(),
            TOCSIN_EXT_CONFIG => crate::calls::tables::config::table::<Stumbling>(),
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
}
