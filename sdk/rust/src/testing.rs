// SPDX-License-Identifier: Apache-2.0
//! A small host for a plugin's own tests: creates and starts the plugin, calls it, and keeps what it hands in. It is
//! friendly; `tocsin plugin test` is the hostile one.

mod tables;
#[cfg(test)]
mod tests;

use crate::abi::*;
use crate::host::sink;
use crate::values::{lend, slice_of, text_of, Event, Token};
use std::collections::BTreeMap;
use std::os::raw::c_void;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a delivery came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    pub delivery: Token,
    pub class: u32,
    pub code: String,
    pub detail: String,
    pub server_reply: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    pub source: Token,
    pub ticket: u64,
    pub id: String,
    /// The attribute "source".
    pub origin: String,
    pub kind: String,
    pub subject: String,
    pub severity: String,
    pub organization: String,
    pub data: String,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAnswered {
    pub call: Token,
    pub status: u32,
    pub content_type: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    pub name: String,
    /// "result=failed", or empty.
    pub labels: String,
    pub kind: tocsin_metric_kind,
    /// The sum of what was recorded; of a gauge the last.
    pub value: i64,
    pub records: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    pub stage: String,
    pub ok: bool,
    pub code: String,
    pub detail: String,
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
    pub http_answers: Vec<HttpAnswered>,
    pub series: Vec<Series>,
    pub stages: Vec<Stage>,
    /// Diagnoses that have ended.
    pub diagnoses: u64,
    pub memory: BTreeMap<String, String>,
    /// Number and delay of the timers that run.
    pub timers: BTreeMap<u64, u64>,
    pub log: Vec<String>,
    /// The value of every secret.
    pub secret: Vec<u8>,
    pub now_ms: i64,
    /// What `publish` answers; TOCSIN_OK, unless a test sets it: it takes the event.
    pub publishing: tocsin_status,
    due_ms: BTreeMap<u64, i64>,
    last_token: u64,
}

struct Inner {
    state: Mutex<State>,
    changed: Condvar,
    raw: tocsin_host,
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub struct TestHost {
    inner: Box<Inner>,
    plugin: *const tocsin_plugin,
}

type EntryPoint = extern "C" fn() -> *const tocsin_entry;

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
            changed: Condvar::new(),
            raw: tocsin_host {
                struct_size: size_of::<tocsin_host>(),
                abi_version: TOCSIN_ABI_VERSION,
                context: std::ptr::null_mut(),
                name: lend("test"),
                version: lend("1.0.0"),
                get_extension: Some(tables::get_extension),
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

    /// What the plugin handed in so far, locked: two of these in one expression would wait for each other.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.inner.lock()
    }

    /// Waits until the condition holds; it is looked at again whenever the plugin hands something in, from any thread.
    /// Panics after the limit.
    pub fn wait_until(&self, limit: Duration, condition: impl Fn(&State) -> bool) {
        let end = Instant::now() + limit;
        let mut state = self.state();
        while !condition(&state) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "what the test waits for did not come within {:?}; log: {:?}", limit, state.log);
            // Briefly: a condition may depend on more than what is handed in.
            let step = left.min(Duration::from_millis(20));
            state = self.inner.changed.wait_timeout(state, step).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The outcome of a delivery, if it has one.
    pub fn outcome_of(&self, delivery: Token) -> Option<Completed> {
        self.state().outcomes.iter().find(|one| one.delivery == delivery).cloned()
    }

    /// What was recorded for a series: labels "result=failed", or "". Panics where the plugin has not made it.
    pub fn metric(&self, name: &str, labels: &str) -> Series {
        let state = self.state();
        let found = state.series.iter().find(|one| one.name == name && one.labels == labels).cloned();
        found.unwrap_or_else(|| panic!("the plugin has made no metric {}{{{}}}: {:?}", name, labels, state.series))
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

    /// Deliveries that it still has are completed or returned before this returns.
    pub fn close_channel(&self, endpoint: Token) {
        let close = self.table::<tocsin_channel>(TOCSIN_EXT_CHANNEL).close.expect("close");
        unsafe { close(self.this(), endpoint.into()) }
    }

    /// Ask for a delivery back.
    pub fn cancel(&self, delivery: Token) {
        let cancel = self.table::<tocsin_channel>(TOCSIN_EXT_CHANNEL).cancel.expect("cancel");
        let list = [tocsin_token::from(delivery)];
        unsafe { cancel(self.this(), list.as_ptr(), 1) }
    }

    /// Hand over one message; its outcome is in `state().outcomes`, under the token that this returns.
    pub fn deliver(&self, endpoint: Token, recipient: &str, subject: &str, text: &str) -> Token {
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
        message.delivery.into()
    }

    fn next_token(&self) -> tocsin_token {
        let mut state = self.state();
        state.last_token += 1;
        tocsin_token { index: state.last_token, generation: 1 }
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

    /// Answer what it published under a ticket: TOCSIN_OK, it is on disk; else it is not, and why.
    pub fn answer_published(&self, source: Token, ticket: u64, status: tocsin_status, reason: &str) {
        let published = self.table::<tocsin_source>(TOCSIN_EXT_SOURCE).published.expect("published");
        let result = tocsin_publish_result {
            struct_size: size_of::<tocsin_publish_result>(),
            status,
            accepted: u64::from(status == TOCSIN_OK),
            duplicates: 0,
            reason: lend(reason),
        };
        unsafe { published(self.this(), source.into(), ticket, &result) }
    }

    /// Send a request to a source; its answer is in `state().http_answers`, under the token that this returns.
    pub fn request(&self, source: Token, method: &str, path: &str, body: &str) -> Token {
        let call = self.table::<tocsin_http_route>(TOCSIN_EXT_HTTP_ROUTE).call.expect("call");
        let mut raw: tocsin_http_call = unsafe { std::mem::zeroed() };
        raw.struct_size = size_of::<tocsin_http_call>();
        raw.call = self.next_token();
        raw.source = source.into();
        raw.method = lend(method);
        raw.path = lend(path);
        raw.body = tocsin_bytes { data: body.as_ptr(), size: body.len() as u64 };
        unsafe { call(self.this(), &raw) }
        raw.call.into()
    }

    /// Let every timer that runs now run out once, however long it has still to run.
    pub fn fire_timers(&self) {
        let due = std::mem::take(&mut self.state().timers);
        self.state().due_ms.clear();
        for id in due.keys() {
            self.fire(*id);
        }
    }

    /// Turn the clock on. Timers that are due meanwhile run out, each at its time.
    pub fn advance(&self, by: Duration) {
        let end = self.state().now_ms + by.as_millis() as i64;
        while let Some(id) = self.next_due(end) {
            self.fire(id);
        }
        self.state().now_ms = end;
    }

    fn next_due(&self, end: i64) -> Option<u64> {
        let mut state = self.state();
        let (due, id) = state.due_ms.iter().map(|(id, due)| (*due, *id)).min().filter(|(due, _)| *due <= end)?;
        state.due_ms.remove(&id);
        state.timers.remove(&id);
        state.now_ms = state.now_ms.max(due);
        Some(id)
    }

    fn fire(&self, id: u64) {
        let fired = self.table::<tocsin_timer>(TOCSIN_EXT_TIMER).fired.expect("fired");
        unsafe { fired(self.this(), id) }
    }

    /// Have a doctor look at an endpoint; its stages are in `state().stages`, and `state().diagnoses` grows at the end.
    pub fn diagnose(&self, endpoint: Token, recipient: &str) -> Result<(), String> {
        let diagnose = self.table::<tocsin_doctor>(TOCSIN_EXT_DOCTOR).diagnose.expect("diagnose");
        let mut request: tocsin_diagnosis = unsafe { std::mem::zeroed() };
        request.struct_size = size_of::<tocsin_diagnosis>();
        request.run = self.next_token();
        request.endpoint = endpoint.into();
        request.recipient = lend(recipient);
        self.answered(|error| unsafe { (diagnose(self.this(), &request, error), request.run) }).map(|_| ())
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

    pub fn close_subscriber(&self, subscription: Token) {
        let close = self.table::<tocsin_subscriber>(TOCSIN_EXT_SUBSCRIBER).close.expect("close");
        unsafe { close(self.this(), subscription.into()) }
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

    /// Requests that are under way are answered before this returns.
    pub fn close_store(&self, store: Token) {
        let close = self.table::<tocsin_secret_store>(TOCSIN_EXT_SECRETS).close.expect("close");
        unsafe { close(self.this(), store.into()) }
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
