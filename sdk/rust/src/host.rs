// SPDX-License-Identifier: Apache-2.0
//! What a plugin sees of its host.

use crate::abi::*;
use crate::json::JsonWriter;
use crate::values::{lend, Class, Event, Failure, Outcome, Token};
use std::os::raw::c_void;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Level {
    Debug = TOCSIN_LOG_DEBUG,
    Info = TOCSIN_LOG_INFO,
    Warn = TOCSIN_LOG_WARN,
    Error = TOCSIN_LOG_ERROR,
}

/// The host, as given to `Plugin::new`. Use it from any thread until `stop()` has returned. What a host does not have is
/// passed over, or answered as a failure where there is something to answer.
#[derive(Clone, Copy)]
pub struct Host {
    raw: *const tocsin_host,
    log: *const tocsin_host_log,
    clock: *const tocsin_host_clock,
    timer: *const tocsin_host_timer,
    secrets: *const tocsin_host_secrets,
    complete: *const tocsin_host_complete,
    publish: *const tocsin_host_publish,
    answer: *const tocsin_host_secret_answer,
    http: *const tocsin_host_http_answer,
    metrics: *const tocsin_host_metrics,
    doctor: *const tocsin_host_doctor,
    services: *const tocsin_host_services,
}

// SAFETY: the host's tables never change and take calls from any thread.
unsafe impl Send for Host {}
unsafe impl Sync for Host {}

/// A function of one of the host's tables, if the table is there and has it. An older host's table is shorter: nothing
/// beyond its size is looked at.
macro_rules! function {
    ($host:expr, $table:ident, $name:ident) => {{
        let table = $host.$table;
        if table.is_null() {
            None
        } else {
            // SAFETY: the tables are valid as long as the host, up to the size that they say; an address is taken of the
            // rest, and nothing is read.
            unsafe {
                let offset = std::ptr::addr_of!((*table).$name) as usize - table as usize;
                let size = *table.cast::<u32>() as usize;
                if offset + std::mem::size_of::<usize>() <= size { *std::ptr::addr_of!((*table).$name) } else { None }
            }
        }
    }};
}

impl Host {
    /// # Safety
    /// `raw` is the host of `create()`, with a `get_extension`.
    pub(crate) unsafe fn new(raw: *const tocsin_host) -> Host {
        let find = |id: &str| match (*raw).get_extension {
            Some(get_extension) => get_extension((*raw).context, lend(id)),
            None => std::ptr::null(),
        };
        Host {
            raw,
            log: find(TOCSIN_HOST_LOG).cast(),
            clock: find(TOCSIN_HOST_CLOCK).cast(),
            timer: find(TOCSIN_HOST_TIMER).cast(),
            secrets: find(TOCSIN_HOST_SECRETS).cast(),
            complete: find(TOCSIN_HOST_COMPLETE).cast(),
            publish: find(TOCSIN_HOST_PUBLISH).cast(),
            answer: find(TOCSIN_HOST_SECRET_ANSWER).cast(),
            http: find(TOCSIN_HOST_HTTP_ANSWER).cast(),
            metrics: find(TOCSIN_HOST_METRICS).cast(),
            doctor: find(TOCSIN_HOST_DOCTOR).cast(),
            services: find(TOCSIN_HOST_SERVICES).cast(),
        }
    }

    pub fn raw(&self) -> *const tocsin_host {
        self.raw
    }

    fn context(&self) -> *mut c_void {
        // SAFETY: valid until destroy().
        unsafe { (*self.raw).context }
    }

    /// One line in the host's log.
    pub fn log(&self, level: Level, text: &str) {
        self.log_with(level, text, &[]);
    }

    /// The same with fields.
    pub fn log_with(&self, level: Level, text: &str, fields: &[(&str, &str)]) {
        if let Some(write) = function!(self, log, write) {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| tocsin_field { name: lend(name), value: lend(value) }).collect();
            // SAFETY: all is lent for the call.
            unsafe { write(self.context(), level as u32, lend(text), fields.as_ptr(), fields.len() as u64) }
        }
    }

    /// Unix time; may jump. Nothing: the host has no clock.
    pub fn now_ms(&self) -> Option<i64> {
        function!(self, clock, now_ms).map(|now| unsafe { now(self.context()) })
    }

    /// Have `Timer::fired(id)` called once, delay_ms from now; one that runs is set anew. False: this host has no timers.
    pub fn start_timer(&self, id: u64, delay_ms: u64) -> bool {
        match function!(self, timer, start) {
            Some(start) => {
                unsafe { start(self.context(), id, delay_ms) };
                true
            }
            None => false,
        }
    }

    /// A call that is already under way is not stopped.
    pub fn cancel_timer(&self, id: u64) {
        if let Some(cancel) = function!(self, timer, cancel) {
            unsafe { cancel(self.context(), id) }
        }
    }

    /// The present value of a secret that the settings name by its handle. Do not keep it longer than needed.
    pub fn reveal(&self, handle: u64) -> Result<Vec<u8>, Failure> {
        let reveal = function!(self, secrets, reveal)
            .ok_or_else(|| Failure::new(TOCSIN_UNSUPPORTED, "this host has no secrets (tocsin.host.secrets/1)"))?;
        let (mut value, mut error) = (Vec::new(), Vec::new());
        let (to_value, to_error) = (sink(&mut value), sink(&mut error));
        // SAFETY: the sinks live until the call has returned.
        let status = unsafe { reveal(self.context(), handle, &to_value, &to_error) };
        if status == TOCSIN_OK { Ok(value) } else { Err(failure(status, &error, "the secret cannot be read")) }
    }

    /// Hand in an event and what to remember with it, as one commit. `Source::published` follows with this ticket.
    /// TOCSIN_UNAVAILABLE: no credit, try again after the next `published`. TOCSIN_INVALID: the event is not valid.
    pub fn publish(&self, source: Token, ticket: u64, event: &Event<'_>, memory: &[(&str, &str)]) -> Result<(), Failure> {
        let publish = function!(self, publish, publish)
            .ok_or_else(|| Failure::new(TOCSIN_UNSUPPORTED, "this host takes no events (tocsin.host.publish/1)"))?;
        let raw = event.to_abi();
        let events = [&raw as *const tocsin_event];
        let memory: Vec<_> =
            memory.iter().map(|(name, value)| tocsin_field { name: lend(name), value: lend(value) }).collect();
        let mut error = Vec::new();
        let to_error = sink(&mut error);
        // SAFETY: all is lent for the call.
        let status = unsafe {
            publish(self.context(), source.into(), ticket, events.as_ptr(), 1, memory.as_ptr(), memory.len() as u64, &to_error)
        };
        if status == TOCSIN_OK { Ok(()) } else { Err(failure(status, &error, "not published")) }
    }

    /// What the source remembered under name; empty if it never did. Waits for the store.
    pub fn recall(&self, source: Token, name: &str) -> Result<String, Failure> {
        let recall = function!(self, publish, recall)
            .ok_or_else(|| Failure::new(TOCSIN_UNSUPPORTED, "this host keeps no memory for sources"))?;
        let mut value = Vec::new();
        let to_value = sink(&mut value);
        // SAFETY: as above.
        let status = unsafe { recall(self.context(), source.into(), lend(name), &to_value) };
        if status == TOCSIN_OK {
            Ok(String::from_utf8_lossy(&value).into_owned())
        } else {
            Err(failure(status, &[], "the source's memory cannot be read"))
        }
    }

    /// A service of another plugin's that the manifest's "requires" names, for `Plugin::start`: its table, and the first
    /// argument of the table's functions. Calling them is as unsafe as any C; the table's header has its rules.
    pub fn find_service(&self, id: &str) -> Option<(*const c_void, *mut c_void)> {
        let find = function!(self, services, find)?;
        let size = std::mem::size_of::<tocsin_service>() as u32;
        let mut found =
            tocsin_service { struct_size: size, reserved: 0, table: std::ptr::null(), self_: std::ptr::null_mut() };
        // SAFETY: lent for the call.
        let status = unsafe { find(self.context(), lend(id), &mut found) };
        (status == TOCSIN_OK).then(|| (found.table, found.self_))
    }

    /// 0: no such extension, or refused, and the log says why.
    pub(crate) fn series(&self, metric: &tocsin_metric, labels: &[(&str, &str)]) -> u64 {
        let labels: Vec<_> =
            labels.iter().map(|(name, value)| tocsin_field { name: lend(name), value: lend(value) }).collect();
        // SAFETY: all is lent for the call.
        function!(self, metrics, series)
            .map_or(0, |series| unsafe { series(self.context(), metric, labels.as_ptr(), labels.len() as u64) })
    }

    pub(crate) fn record(&self, series: u64, value: i64) {
        if let Some(record) = function!(self, metrics, record) {
            unsafe { record(self.context(), series, value) }
        }
    }

    fn answer_http(&self, call: tocsin_token, status: u16, content_type: &str, headers: &[(&str, &str)], body: &[u8]) {
        if let Some(answer) = function!(self, http, answer) {
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| tocsin_field { name: lend(name), value: lend(value) }).collect();
            let raw = tocsin_http_answer {
                struct_size: std::mem::size_of::<tocsin_http_answer>() as u32,
                status: status.into(),
                content_type: lend(content_type),
                body: tocsin_bytes { data: body.as_ptr(), size: body.len() as u64 },
                headers: headers.as_ptr(),
                header_count: headers.len() as u64,
            };
            // SAFETY: lent for the call, and copied by the host.
            unsafe { answer(self.context(), call, &raw) }
        }
    }

    pub(crate) fn end_diagnosis(&self, run: tocsin_token) {
        if let Some(done) = function!(self, doctor, done) {
            unsafe { done(self.context(), run) }
        }
    }

    pub(crate) fn report_stage(&self, run: tocsin_token, stage: &tocsin_stage) {
        if let Some(report) = function!(self, doctor, stage) {
            // SAFETY: lent for the call.
            unsafe { report(self.context(), run, stage) }
        }
    }

    fn complete(&self, delivery: tocsin_token, outcome: &Outcome<'_>) {
        if let Some(complete) = function!(self, complete, complete) {
            let raw = outcome.to_abi(delivery);
            let outcomes = [&raw as *const tocsin_outcome];
            // SAFETY: lent for the call.
            unsafe { complete(self.context(), outcomes.as_ptr(), 1) }
        }
    }

    fn answer(&self, request: tocsin_token, status: tocsin_status, value: &[u8], valid_ms: i64, reason: &str) {
        if let Some(answer) = function!(self, answer, answer) {
            let raw = tocsin_secret_answer {
                struct_size: std::mem::size_of::<tocsin_secret_answer>() as u32,
                status,
                value: tocsin_bytes { data: value.as_ptr(), size: value.len() as u64 },
                valid_ms,
                reason: lend(reason),
            };
            // SAFETY: lent for the call, and copied by the host.
            unsafe { answer(self.context(), request, &raw) }
        }
    }
}

/// A delivery in the channel's hands. `complete` takes it, so that it is completed once; one that is dropped, for example
/// by a panic, is completed as uncertain, PLUGIN_CRASHED. May go to another thread, and must be gone when `stop()` returns.
#[must_use = "complete it, now or later"]
pub struct Delivery {
    host: Host,
    token: Token,
    open: bool,
}

impl Delivery {
    pub(crate) fn new(host: Host, token: Token) -> Self {
        Delivery { host, token, open: true }
    }

    /// What `Channel::cancel` calls it by.
    pub fn token(&self) -> Token {
        self.token
    }

    pub fn complete(mut self, outcome: &Outcome<'_>) {
        self.open = false;
        self.host.complete(self.token.into(), outcome);
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if self.open {
            let why = "the plugin let go of the delivery without an outcome";
            self.host.complete(self.token.into(), &Outcome::failed(Class::Uncertain, "PLUGIN_CRASHED", why));
        }
    }
}

/// A request for a secret. One that is dropped is answered as a failure.
#[must_use = "answer it, now or later"]
pub struct SecretRequest {
    host: Host,
    token: Token,
    open: bool,
}

impl SecretRequest {
    pub(crate) fn new(host: Host, token: Token) -> Self {
        SecretRequest { host, token, open: true }
    }

    /// valid_ms: how long the value may be used, from now; nothing: until the settings are loaded again.
    pub fn found(mut self, value: &[u8], valid_ms: Option<u64>) {
        self.open = false;
        let valid_ms = valid_ms.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        self.host.answer(self.token.into(), TOCSIN_OK, value, valid_ms, "");
    }

    /// There is no such secret.
    pub fn unknown(mut self, reason: &str) {
        self.open = false;
        self.host.answer(self.token.into(), TOCSIN_INVALID, &[], -1, reason);
    }

    /// Not now.
    pub fn unavailable(mut self, reason: &str) {
        self.open = false;
        self.host.answer(self.token.into(), TOCSIN_UNAVAILABLE, &[], -1, reason);
    }
}

impl Drop for SecretRequest {
    fn drop(&mut self) {
        if self.open {
            self.host.answer(self.token.into(), TOCSIN_FAILED, &[], -1, "the plugin let go of the request without an answer");
        }
    }
}

/// A request that waits for its answer. Each of these takes it, so that it is answered once; one that is dropped, for
/// example by a panic, is answered 500. May go to another thread.
#[must_use = "answer it, now or later"]
pub struct HttpReply {
    host: Host,
    call: Token,
    open: bool,
}

impl HttpReply {
    pub(crate) fn new(host: Host, call: Token) -> Self {
        HttpReply { host, call, open: true }
    }

    /// JSON; empty: no body.
    pub fn json(self, status: u16, json: &str) {
        self.send(status, "", &[], json.as_bytes());
    }

    /// Why it was not done, in a sentence, as a problem of RFC 9457.
    pub fn refuse(self, status: u16, detail: &str) {
        let problem = JsonWriter::new().text("type", "about:blank").integer("status", status.into()).text("detail", detail);
        self.send(status, "application/problem+json", &[], problem.end().as_bytes());
    }

    /// Anything, with further headers such as retry-after. content_type empty: application/json.
    pub fn send(mut self, status: u16, content_type: &str, headers: &[(&str, &str)], body: &[u8]) {
        self.open = false;
        self.host.answer_http(self.call.into(), status, content_type, headers, body);
    }
}

impl Drop for HttpReply {
    fn drop(&mut self) {
        if self.open {
            let problem = JsonWriter::new()
                .text("type", "about:blank")
                .text("title", "Internal Server Error")
                .integer("status", 500)
                .text("detail", "The source failed at this request; see the log.")
                .text("code", "SOURCE_FAILED");
            self.host.answer_http(self.call.into(), 500, "application/problem+json", &[], problem.end().as_bytes());
        }
    }
}

/// A sink of ours that gathers what the host writes. `to` outlives it.
pub(crate) fn sink(to: &mut Vec<u8>) -> tocsin_sink {
    unsafe extern "C" fn append(context: *mut c_void, data: tocsin_bytes) -> tocsin_status {
        let to = &mut *context.cast::<Vec<u8>>();
        let size = data.size as usize;
        if to.try_reserve(size).is_err() {
            return TOCSIN_NO_MEMORY;
        }
        to.extend_from_slice(crate::values::slice_of(data.data, data.size));
        TOCSIN_OK
    }
    tocsin_sink {
        struct_size: std::mem::size_of::<tocsin_sink>() as u32,
        reserved: 0,
        context: (to as *mut Vec<u8>).cast(),
        write: Some(append),
    }
}

fn failure(status: tocsin_status, error: &[u8], otherwise: &str) -> Failure {
    let text = String::from_utf8_lossy(error);
    Failure::new(status, if text.is_empty() { otherwise.to_string() } else { text.into_owned() })
}
