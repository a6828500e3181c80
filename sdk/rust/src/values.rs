// SPDX-License-Identifier: Apache-2.0
//! What crosses the interface, as values of Rust. Views of what a call lends end with the call.

use crate::abi::*;
use crate::json::Object;
use std::marker::PhantomData;

/// Names something that one side keeps for the other. `{0, 0}` names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Token {
    pub index: u64,
    pub generation: u64,
}

impl From<tocsin_token> for Token {
    fn from(raw: tocsin_token) -> Self {
        Token { index: raw.index, generation: raw.generation }
    }
}

impl From<Token> for tocsin_token {
    fn from(token: Token) -> Self {
        tocsin_token { index: token.index, generation: token.generation }
    }
}

/// Why a call failed: one sentence for an operator, and the status that the host is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub status: tocsin_status,
    pub text: String,
}

impl Failure {
    pub fn new(status: tocsin_status, text: impl Into<String>) -> Self {
        // A failure cannot mean that all is well.
        Failure { status: if status == TOCSIN_OK { TOCSIN_FAILED } else { status }, text: text.into() }
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Failure::new(TOCSIN_FAILED, text)
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Failure::new(TOCSIN_FAILED, text)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::new(TOCSIN_FAILED, error.to_string())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

/// The interface's view of text, which must outlive the call that it is handed to.
pub(crate) fn lend(text: &str) -> tocsin_string {
    tocsin_string { data: text.as_ptr().cast(), size: text.len() as u64 }
}

/// Text that the host lends. What is no UTF-8, against the interface's law, becomes one replacement character.
///
/// # Safety
/// `raw` is a text of the host's whose call has not returned.
pub unsafe fn text_of(raw: &tocsin_string) -> &str {
    if raw.size == 0 || raw.data.is_null() {
        return "";
    }
    let bytes = std::slice::from_raw_parts(raw.data.cast::<u8>(), raw.size as usize);
    std::str::from_utf8(bytes).unwrap_or("\u{fffd}")
}

/// A slice that the host lends.
pub(crate) unsafe fn slice_of<'a, T>(data: *const T, count: u64) -> &'a [T] {
    if count == 0 || data.is_null() {
        return &[];
    }
    std::slice::from_raw_parts(data, count as usize)
}

macro_rules! texts {
    ($($(#[$about:meta])* $name:ident)*) => {
        $($(#[$about])* pub fn $name(&self) -> &'a str {
            // SAFETY: the host lends it for the call that 'a stands for.
            unsafe { text_of(&(*self.raw).$name) }
        })*
    };
}

macro_rules! view {
    ($(#[$about:meta])* $name:ident of $raw:ty { $($members:tt)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy)]
        pub struct $name<'a> {
            raw: *const $raw,
            call: PhantomData<&'a $raw>,
        }
        impl<'a> $name<'a> {
            pub(crate) unsafe fn new(raw: *const $raw) -> Self {
                $name { raw, call: PhantomData }
            }
            #[allow(dead_code)]
            fn get(&self) -> &'a $raw {
                // SAFETY: as above.
                unsafe { &*self.raw }
            }
            $($members)*
        }
    };
}

view! {
    /// An endpoint, as the host lends it for `open()`: copy what is to be kept.
    Endpoint of tocsin_endpoint {
        texts! {
            /// Its name in the settings: "email".
            channel
            /// The level that owns it; empty: the host.
            organization
            /// Endpoints of the same pool may share connections; others never.
            pool
        }
        /// Every key of the manifest's schema, defaults filled in, checked. Durations are milliseconds, sizes bytes.
        pub fn settings(&self) -> Object<'a> {
            Object::new(unsafe { text_of(&self.get().settings) })
        }
    }
}

view! {
    /// One delivery. Copy what is to be kept longer than the call.
    Message of tocsin_message {
        texts! {
            /// As the route gave it; not checked for any syntax.
            recipient
            organization
            /// BCP 47.
            language
            /// The same in every attempt; without angle brackets.
            message_id
            subject
            text
            html
        }
        /// As `open()` named it.
        pub fn endpoint(&self) -> Token {
            self.get().endpoint.into()
        }
        /// 1 for the first.
        pub fn attempt(&self) -> u32 {
            self.get().attempt
        }
        pub fn created_ms(&self) -> i64 {
            self.get().created_ms
        }
        /// Nothing for a digest.
        pub fn event(&self) -> Option<Event<'a>> {
            let event = self.get().event;
            // SAFETY: lent together with the message.
            if event.is_null() { None } else { Some(unsafe { Event::borrowed(event) }) }
        }
    }
}

view! {
    /// [sources.NAME], as the host lends it for `open()`.
    SourceConfig of tocsin_source_config {
        texts! {
            name
            /// For input that names none.
            organization
        }
        pub fn settings(&self) -> Object<'a> {
            Object::new(unsafe { text_of(&self.get().settings) })
        }
        /// How many events may be under way.
        pub fn credits(&self) -> u64 {
            self.get().credits
        }
    }
}

view! {
    /// What a publish() came to.
    PublishResult of tocsin_publish_result {
        texts! {
            reason
        }
        /// TOCSIN_OK: all of it is on disk; else nothing is.
        pub fn status(&self) -> tocsin_status {
            self.get().status
        }
        pub fn accepted(&self) -> u64 {
            self.get().accepted
        }
        pub fn duplicates(&self) -> u64 {
            self.get().duplicates
        }
    }
}

view! {
    /// [subscribers.NAME] or [secrets.NAME], as the host lends it for `open()`.
    Subscription of tocsin_subscription {
        texts! {
            name
        }
        pub fn settings(&self) -> Object<'a> {
            Object::new(unsafe { text_of(&self.get().settings) })
        }
    }
}

view! {
    /// The settings of one table, as the host lends them for a check. `organization` is empty for the host's.
    ConfigInput of tocsin_config_input {
        texts! {
            table
            name
            organization
        }
        pub fn settings(&self) -> Object<'a> {
            Object::new(unsafe { text_of(&self.get().settings) })
        }
    }
}

view! {
    /// A request, as the host lends it for `HttpRoute::call`: copy what is to be kept.
    HttpCall of tocsin_http_call {
        texts! {
            /// "POST".
            method
            /// As in the manifest: "/heartbeat".
            path
            /// As it was sent, without the question mark.
            query
            /// The one that the caller's token is bound to; empty: none.
            organization
        }
        /// As `Source::open` named it.
        pub fn source(&self) -> Token {
            self.get().source.into()
        }
        pub fn body(&self) -> &'a [u8] {
            unsafe { slice_of(self.get().body.data, self.get().body.size) }
        }
        /// The body as a JSON object; one without members where it is no UTF-8.
        pub fn json(&self) -> Object<'a> {
            Object::new(std::str::from_utf8(self.body()).unwrap_or(""))
        }
        /// The first of this name, which is in lower case; authorization and cookie are never there.
        pub fn header(&self, name: &str) -> Option<&'a str> {
            let headers = unsafe { slice_of(self.get().headers, self.get().header_count) };
            let found = headers.iter().find(|one| unsafe { text_of(&one.name) } == name)?;
            Some(unsafe { text_of(&found.value) })
        }
    }
}

view! {
    /// What `Doctor::diagnose` is asked for. Copy what is to be kept.
    Diagnosis of tocsin_diagnosis {
        texts! {
            /// Whom to ask the server about; empty: stop before that stage.
            recipient
        }
        /// As `Channel::open` named it.
        pub fn endpoint(&self) -> Token {
            self.get().endpoint.into()
        }
        /// Send it to the recipient, too.
        pub fn message(&self) -> Option<Message<'a>> {
            let message = self.get().message;
            if message.is_null() { None } else { Some(unsafe { Message::new(message) }) }
        }
    }
}

/// An event: to be published, or lent by the host. An empty text means that the attribute is absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Event<'a> {
    /// The same fact has the same id, so that the host knows a duplicate.
    pub id: &'a str,
    /// A URI reference, such as "/meter/main".
    pub source: &'a str,
    /// Such as "org.example.reading".
    pub kind: &'a str,
    pub subject: &'a str,
    /// Unix time; `None`: absent.
    pub time_ms: Option<i64>,
    /// JSON.
    pub data: &'a str,
    pub organization: &'a str,
    /// info, success, warn, error or fatal; empty: info.
    pub severity: &'a str,
    pub recipient: &'a str,
    /// A BCP 47 tag, such as "fr"; empty: the organization's.
    pub language: &'a str,
    pub dedupkey: &'a str,
    pub component: &'a str,
    pub folder: &'a str,
    /// Unix time after which nobody needs it any more; `None`: as its type has it.
    pub expires_ms: Option<i64>,
    /// W3C Trace Context.
    pub traceparent: &'a str,
}

impl<'a> Event<'a> {
    pub(crate) unsafe fn borrowed(raw: *const tocsin_event) -> Event<'a> {
        let raw = &*raw;
        let data = tocsin_string { data: raw.data.data.cast(), size: raw.data.size };
        Event {
            id: longer(&raw.id),
            source: longer(&raw.source),
            kind: longer(&raw.r#type),
            subject: longer(&raw.subject),
            time_ms: if raw.time_ms == TOCSIN_NO_TIME { None } else { Some(raw.time_ms) },
            data: longer(&data),
            organization: longer(&raw.organization),
            severity: longer(&raw.severity),
            recipient: longer(&raw.recipient),
            language: longer(&raw.language),
            dedupkey: longer(&raw.dedupkey),
            component: longer(&raw.component),
            folder: longer(&raw.folder),
            expires_ms: if raw.expires_ms == TOCSIN_NO_TIME { None } else { Some(raw.expires_ms) },
            traceparent: longer(&raw.traceparent),
        }
    }

    pub(crate) fn to_abi(self) -> tocsin_event {
        // SAFETY: zero is a value of every field: null pointers, empty texts.
        let mut raw: tocsin_event = unsafe { std::mem::zeroed() };
        raw.struct_size = std::mem::size_of::<tocsin_event>() as u32;
        raw.id = lend(self.id);
        raw.source = lend(self.source);
        raw.r#type = lend(self.kind);
        raw.subject = lend(self.subject);
        raw.time_ms = self.time_ms.unwrap_or(TOCSIN_NO_TIME);
        raw.data = tocsin_bytes { data: self.data.as_ptr(), size: self.data.len() as u64 };
        raw.organization = lend(self.organization);
        raw.severity = lend(self.severity);
        raw.recipient = lend(self.recipient);
        raw.language = lend(self.language);
        raw.dedupkey = lend(self.dedupkey);
        raw.component = lend(self.component);
        raw.folder = lend(self.folder);
        raw.expires_ms = self.expires_ms.unwrap_or(TOCSIN_NO_TIME);
        raw.traceparent = lend(self.traceparent);
        raw
    }
}

/// As `text_of`, for the lifetime of the call.
unsafe fn longer<'a>(raw: &tocsin_string) -> &'a str {
    let text: *const str = text_of(raw);
    &*text
}

/// What the host does after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Class {
    Delivered = TOCSIN_CLASS_DELIVERED,
    Permanent = TOCSIN_CLASS_PERMANENT,
    Transient = TOCSIN_CLASS_TRANSIENT,
    Throttled = TOCSIN_CLASS_THROTTLED,
    Config = TOCSIN_CLASS_CONFIG,
    Auth = TOCSIN_CLASS_AUTH,
    Uncertain = TOCSIN_CLASS_UNCERTAIN,
    Returned = TOCSIN_CLASS_RETURNED,
}

/// What one attempt at a delivery came to.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    pub class: Class,
    /// One of the manifest's "codes".
    pub code: &'a str,
    /// Our words, one line.
    pub detail: &'a str,
    /// The other side's words, one line.
    pub server_reply: &'a str,
    /// The dialogue, at most 8 KiB, without secrets.
    pub transcript: &'a str,
    /// The other side's wish.
    pub retry_after_ms: Option<u64>,
}

impl<'a> Outcome<'a> {
    pub fn delivered() -> Self {
        Outcome { class: Class::Delivered, code: "OK", detail: "", server_reply: "", transcript: "", retry_after_ms: None }
    }

    /// Nothing was tried: no attempt is counted.
    pub fn returned() -> Self {
        Outcome { class: Class::Returned, code: "", ..Outcome::delivered() }
    }

    pub fn failed(class: Class, code: &'a str, detail: &'a str) -> Self {
        Outcome { class, code, detail, ..Outcome::delivered() }
    }

    pub(crate) fn to_abi(self, delivery: tocsin_token) -> tocsin_outcome {
        tocsin_outcome {
            struct_size: std::mem::size_of::<tocsin_outcome>() as u32,
            outcome_class: self.class as u32,
            delivery,
            code: lend(self.code),
            retry_after_ms: self.retry_after_ms.map_or(-1, |wish| i64::try_from(wish).unwrap_or(i64::MAX)),
            detail: lend(self.detail),
            server_reply: lend(self.server_reply),
            transcript: lend(self.transcript),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_crosses_the_abi_with_every_attribute() {
        let event = Event {
            id: "7",
            source: "/meter",
            kind: "org.example.reading",
            subject: "main",
            time_ms: Some(1),
            data: "{}",
            organization: "acme",
            severity: "warn",
            recipient: "ops@example.org",
            language: "fr",
            dedupkey: "meter-main",
            component: "meter",
            folder: "/north",
            expires_ms: Some(2),
            traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        };
        let raw = event.to_abi();
        assert_eq!(format!("{:?}", unsafe { Event::borrowed(&raw) }), format!("{:?}", event));
        let raw = Event::default().to_abi();
        let empty = unsafe { Event::borrowed(&raw) };
        assert_eq!((empty.time_ms, empty.expires_ms, empty.language), (None, None, ""));
    }
}
