// SPDX-License-Identifier: Apache-2.0
//! The C interface as it is: every struct, number and function of the headers in tocsin/abi, under its own name.
//!
//! Made from the headers by tools/make-rust-abi; not edited by hand. What each means is told in the ABI reference.
#![allow(non_camel_case_types)]

use std::os::raw::{c_char, c_void};

/// Declares the structs and, for the tests, what the compiler made of them.
macro_rules! structs {
    ($($name:ident { $($field:ident: $kind:ty,)* })*) => {
        $(
            #[repr(C)]
            #[derive(Clone, Copy)]
            pub struct $name { $(pub $field: $kind,)* }
        )*

        #[cfg(test)]
        pub(crate) fn layouts() -> Vec<String> {
            let mut lines = Vec::new();
            $({
                let place = std::mem::MaybeUninit::<$name>::uninit();
                let at = place.as_ptr();
                lines.push(format!("{} size {} align {}", stringify!($name), std::mem::size_of::<$name>(),
                    std::mem::align_of::<$name>()));
                $({
                    // SAFETY: an address within a place that is there; nothing is read.
                    let offset = unsafe { std::ptr::addr_of!((*at).$field) as usize } - at as usize;
                    lines.push(format!("{}.{} offset {} size {}", stringify!($name), stringify!($field), offset,
                        std::mem::size_of::<$kind>()));
                })*
            })*
            lines
        }
    };
}

pub type tocsin_status = i32;
pub type tocsin_outcome_class = u32;
pub type tocsin_health_state = u32;
pub type tocsin_log_level = u32;
pub type tocsin_metric_kind = u32;
pub type tocsin_signin_event_kind = u32;
pub type tocsin_stream_event_kind = u32;
pub type tocsin_thread_kind = u32;

pub const TOCSIN_OK: i32 = 0;
pub const TOCSIN_FAILED: i32 = 1;
pub const TOCSIN_INVALID: i32 = 2;
pub const TOCSIN_UNAVAILABLE: i32 = 3;
pub const TOCSIN_UNSUPPORTED: i32 = 4;
pub const TOCSIN_NO_MEMORY: i32 = 5;
pub const TOCSIN_NO_TIME: i64 = i64::MIN;
pub const TOCSIN_ABI_MAJOR: u32 = 1;
pub const TOCSIN_ABI_MINOR: u32 = 0;
pub const TOCSIN_ABI_VERSION: u32 = (TOCSIN_ABI_MAJOR << 16) | TOCSIN_ABI_MINOR;
pub const TOCSIN_ENTRY_SYMBOL: &str = "tocsin_plugin_entry_v1";
pub const TOCSIN_CLASS_DELIVERED: u32 = 0;
pub const TOCSIN_CLASS_PERMANENT: u32 = 1;
pub const TOCSIN_CLASS_TRANSIENT: u32 = 2;
pub const TOCSIN_CLASS_THROTTLED: u32 = 3;
pub const TOCSIN_CLASS_CONFIG: u32 = 4;
pub const TOCSIN_CLASS_AUTH: u32 = 5;
pub const TOCSIN_CLASS_UNCERTAIN: u32 = 6;
pub const TOCSIN_CLASS_RETURNED: u32 = 7;
pub const TOCSIN_EXT_CHANNEL: &str = "tocsin.channel/1-draft";
pub const TOCSIN_HOST_COMPLETE: &str = "tocsin.host.complete/1-draft";
pub const TOCSIN_HOST_CLOCK: &str = "tocsin.host.clock/1-draft";
pub const TOCSIN_HOST_TIMER: &str = "tocsin.host.timer/1-draft";
pub const TOCSIN_EXT_TIMER: &str = "tocsin.timer/1-draft";
pub const TOCSIN_EXT_CONFIG: &str = "tocsin.config/1-draft";
pub const TOCSIN_EXT_DOCTOR: &str = "tocsin.doctor/1-draft";
pub const TOCSIN_HOST_DOCTOR: &str = "tocsin.host.doctor/1-draft";
pub const TOCSIN_EXT_HEALTH: &str = "tocsin.health/1-draft";
pub const TOCSIN_HEALTH_GOOD: u32 = 0;
pub const TOCSIN_HEALTH_DEGRADED: u32 = 1;
pub const TOCSIN_HEALTH_FAILING: u32 = 2;
pub const TOCSIN_EXT_HTTP_CLIENT: &str = "tocsin.http_client/1-draft";
pub const TOCSIN_EXT_HTTP_ROUTE: &str = "tocsin.http_route/1-draft";
pub const TOCSIN_HOST_HTTP_ANSWER: &str = "tocsin.host.http_answer/1-draft";
pub const TOCSIN_HOST_LOG: &str = "tocsin.host.log/1-draft";
pub const TOCSIN_LOG_DEBUG: u32 = 0;
pub const TOCSIN_LOG_INFO: u32 = 1;
pub const TOCSIN_LOG_WARN: u32 = 2;
pub const TOCSIN_LOG_ERROR: u32 = 3;
pub const TOCSIN_LOG_HOST_MISBEHAVING: u32 = 4;
pub const TOCSIN_HOST_METRICS: &str = "tocsin.host.metrics/1-draft";
pub const TOCSIN_METRIC_COUNTER: u32 = 0;
pub const TOCSIN_METRIC_GAUGE: u32 = 1;
pub const TOCSIN_METRIC_HISTOGRAM: u32 = 2;
pub const TOCSIN_EXT_PRESET: &str = "tocsin.preset/1-draft";
pub const TOCSIN_EXT_SECRETS: &str = "tocsin.secrets/1-draft";
pub const TOCSIN_HOST_SECRET_ANSWER: &str = "tocsin.host.secret_answer/1-draft";
pub const TOCSIN_HOST_SECRETS: &str = "tocsin.host.secrets/1-draft";
pub const TOCSIN_HOST_SERVICES: &str = "tocsin.host.services/1-draft";
pub const TOCSIN_EXT_SIGNIN: &str = "tocsin.signin/1-draft";
pub const TOCSIN_SIGNIN_RESPONSE: u32 = 1;
pub const TOCSIN_SIGNIN_DONE: u32 = 2;
pub const TOCSIN_SIGNIN_FAILED: u32 = 3;
pub const TOCSIN_EXT_SOURCE: &str = "tocsin.source/1-draft";
pub const TOCSIN_HOST_PUBLISH: &str = "tocsin.host.publish/1-draft";
pub const TOCSIN_EXT_STREAM: &str = "tocsin.stream/1-draft";
pub const TOCSIN_STREAM_STAGE: u32 = 1;
pub const TOCSIN_STREAM_CONNECTED: u32 = 2;
pub const TOCSIN_STREAM_SECURED: u32 = 3;
pub const TOCSIN_STREAM_DATA: u32 = 4;
pub const TOCSIN_STREAM_WRITTEN: u32 = 5;
pub const TOCSIN_STREAM_DEADLINE: u32 = 6;
pub const TOCSIN_STREAM_WOKEN: u32 = 7;
pub const TOCSIN_STREAM_FAILED: u32 = 8;
pub const TOCSIN_STREAM_ENDED: u32 = 9;
pub const TOCSIN_EXT_SUBSCRIBER: &str = "tocsin.subscriber/1-draft";
pub const TOCSIN_HOST_THREAD_CHECK: &str = "tocsin.host.thread_check/1-draft";
pub const TOCSIN_THREAD_OTHER: u32 = 0;
pub const TOCSIN_THREAD_CONTROL: u32 = 1;
pub const TOCSIN_THREAD_WORKER: u32 = 2;

structs! {
    tocsin_string {
        data: *const c_char,
        size: u64,
    }
    tocsin_bytes {
        data: *const u8,
        size: u64,
    }
    tocsin_token {
        index: u64,
        generation: u64,
    }
    tocsin_field {
        name: tocsin_string,
        value: tocsin_string,
    }
    tocsin_sink {
        struct_size: u32,
        reserved: u32,
        context: *mut c_void,
        write: Option<unsafe extern "C" fn(context: *mut c_void, data: tocsin_bytes) -> tocsin_status>,
    }
    tocsin_entry {
        struct_size: u32,
        abi_version: u32,
        id: tocsin_string,
        version: tocsin_string,
        create: Option<unsafe extern "C" fn(host: *const tocsin_host, plugin: *mut *const tocsin_plugin, error: *const tocsin_sink) -> tocsin_status>,
    }
    tocsin_plugin {
        struct_size: u32,
        reserved: u32,
        self_: *mut c_void,
        get_extension: Option<unsafe extern "C" fn(self_: *mut c_void, id: tocsin_string) -> *const c_void>,
        start: Option<unsafe extern "C" fn(self_: *mut c_void, error: *const tocsin_sink) -> tocsin_status>,
        stop: Option<unsafe extern "C" fn(self_: *mut c_void)>,
        destroy: Option<unsafe extern "C" fn(self_: *mut c_void)>,
    }
    tocsin_host {
        struct_size: u32,
        abi_version: u32,
        context: *mut c_void,
        name: tocsin_string,
        version: tocsin_string,
        get_extension: Option<unsafe extern "C" fn(context: *mut c_void, id: tocsin_string) -> *const c_void>,
    }
    tocsin_event {
        struct_size: u32,
        reserved: u32,
        id: tocsin_string,
        source: tocsin_string,
        r#type: tocsin_string,
        subject: tocsin_string,
        time_ms: i64,
        data_content_type: tocsin_string,
        data: tocsin_bytes,
        organization: tocsin_string,
        severity: tocsin_string,
        recipient: tocsin_string,
        language: tocsin_string,
        dedupkey: tocsin_string,
        component: tocsin_string,
        folder: tocsin_string,
        expires_ms: i64,
        traceparent: tocsin_string,
        attributes: *const tocsin_field,
        attribute_count: u64,
    }
    tocsin_message {
        struct_size: u32,
        attempt: u32,
        delivery: tocsin_token,
        endpoint: tocsin_token,
        recipient: tocsin_string,
        organization: tocsin_string,
        language: tocsin_string,
        message_id: tocsin_string,
        created_ms: i64,
        subject: tocsin_string,
        text: tocsin_string,
        html: tocsin_string,
        event: *const tocsin_event,
    }
    tocsin_outcome {
        struct_size: u32,
        outcome_class: tocsin_outcome_class,
        delivery: tocsin_token,
        code: tocsin_string,
        retry_after_ms: i64,
        detail: tocsin_string,
        server_reply: tocsin_string,
        transcript: tocsin_string,
    }
    tocsin_endpoint {
        struct_size: u32,
        reserved: u32,
        channel: tocsin_string,
        organization: tocsin_string,
        settings: tocsin_string,
        preset: tocsin_string,
        pool: tocsin_string,
    }
    tocsin_endpoint_info {
        struct_size: u32,
        slots: u32,
        token: tocsin_token,
    }
    tocsin_finding {
        struct_size: u32,
        fatal: u32,
        key: tocsin_string,
        code: tocsin_string,
        text: tocsin_string,
    }
    tocsin_finding_report {
        struct_size: u32,
        reserved: u32,
        context: *mut c_void,
        finding: Option<unsafe extern "C" fn(context: *mut c_void, finding: *const tocsin_finding)>,
    }
    tocsin_channel {
        struct_size: u32,
        reserved: u32,
        open: Option<unsafe extern "C" fn(self_: *mut c_void, endpoint: *const tocsin_endpoint, info: *mut tocsin_endpoint_info, error: *const tocsin_sink) -> tocsin_status>,
        close: Option<unsafe extern "C" fn(self_: *mut c_void, endpoint: tocsin_token)>,
        deliver: Option<unsafe extern "C" fn(self_: *mut c_void, messages: *const *const tocsin_message, count: u64)>,
        cancel: Option<unsafe extern "C" fn(self_: *mut c_void, deliveries: *const tocsin_token, count: u64)>,
    }
    tocsin_host_complete {
        struct_size: u32,
        reserved: u32,
        complete: Option<unsafe extern "C" fn(context: *mut c_void, outcomes: *const *const tocsin_outcome, count: u64)>,
    }
    tocsin_host_clock {
        struct_size: u32,
        reserved: u32,
        now_ms: Option<unsafe extern "C" fn(context: *mut c_void) -> i64>,
        monotonic_ns: Option<unsafe extern "C" fn(context: *mut c_void) -> u64>,
    }
    tocsin_host_timer {
        struct_size: u32,
        reserved: u32,
        start: Option<unsafe extern "C" fn(context: *mut c_void, id: u64, delay_ms: u64)>,
        cancel: Option<unsafe extern "C" fn(context: *mut c_void, id: u64)>,
    }
    tocsin_timer {
        struct_size: u32,
        reserved: u32,
        fired: Option<unsafe extern "C" fn(self_: *mut c_void, id: u64)>,
    }
    tocsin_config_input {
        struct_size: u32,
        reserved: u32,
        table: tocsin_string,
        name: tocsin_string,
        organization: tocsin_string,
        settings: tocsin_string,
    }
    tocsin_config {
        struct_size: u32,
        reserved: u32,
        check: Option<unsafe extern "C" fn(self_: *mut c_void, input: *const tocsin_config_input, report: *const tocsin_finding_report)>,
        migrate: Option<unsafe extern "C" fn(self_: *mut c_void, input: *const tocsin_config_input, settings: *const tocsin_sink, report: *const tocsin_finding_report) -> tocsin_status>,
    }
    tocsin_diagnosis {
        struct_size: u32,
        reserved: u32,
        run: tocsin_token,
        endpoint: tocsin_token,
        recipient: tocsin_string,
        message: *const tocsin_message,
    }
    tocsin_stage {
        struct_size: u32,
        ok: u32,
        stage: tocsin_string,
        code: tocsin_string,
        detail: tocsin_string,
        duration_ms: u64,
        facts: tocsin_string,
    }
    tocsin_doctor {
        struct_size: u32,
        reserved: u32,
        diagnose: Option<unsafe extern "C" fn(self_: *mut c_void, request: *const tocsin_diagnosis, error: *const tocsin_sink) -> tocsin_status>,
    }
    tocsin_host_doctor {
        struct_size: u32,
        reserved: u32,
        stage: Option<unsafe extern "C" fn(context: *mut c_void, run: tocsin_token, stage: *const tocsin_stage)>,
        done: Option<unsafe extern "C" fn(context: *mut c_void, run: tocsin_token)>,
    }
    tocsin_health {
        struct_size: u32,
        reserved: u32,
        check: Option<unsafe extern "C" fn(self_: *mut c_void, text: *const tocsin_sink) -> tocsin_health_state>,
    }
    tocsin_http_request {
        struct_size: u32,
        reserved: u32,
        method: tocsin_string,
        url: tocsin_string,
        headers: *const tocsin_field,
        header_count: u64,
        body: tocsin_bytes,
        limit_ms: u64,
        max_response_bytes: u64,
    }
    tocsin_http_response {
        struct_size: u32,
        status: u32,
        code: tocsin_string,
        detail: tocsin_string,
        headers: *const tocsin_field,
        header_count: u64,
        body: tocsin_bytes,
    }
    tocsin_http_handler {
        struct_size: u32,
        reserved: u32,
        response: Option<unsafe extern "C" fn(context: *mut c_void, request: tocsin_token, response: *const tocsin_http_response)>,
    }
    tocsin_http_client {
        struct_size: u32,
        reserved: u32,
        open: Option<unsafe extern "C" fn(self_: *mut c_void, settings: tocsin_string, client: *mut tocsin_token, error: *const tocsin_sink) -> tocsin_status>,
        close: Option<unsafe extern "C" fn(self_: *mut c_void, client: tocsin_token)>,
        request: Option<unsafe extern "C" fn(self_: *mut c_void, client: tocsin_token, request: *const tocsin_http_request, handler: *const tocsin_http_handler, context: *mut c_void, token: *mut tocsin_token, error: *const tocsin_sink) -> tocsin_status>,
        cancel: Option<unsafe extern "C" fn(self_: *mut c_void, request: tocsin_token)>,
    }
    tocsin_http_call {
        struct_size: u32,
        reserved: u32,
        call: tocsin_token,
        source: tocsin_token,
        method: tocsin_string,
        path: tocsin_string,
        query: tocsin_string,
        organization: tocsin_string,
        headers: *const tocsin_field,
        header_count: u64,
        body: tocsin_bytes,
    }
    tocsin_http_answer {
        struct_size: u32,
        status: u32,
        content_type: tocsin_string,
        body: tocsin_bytes,
        headers: *const tocsin_field,
        header_count: u64,
    }
    tocsin_http_route {
        struct_size: u32,
        reserved: u32,
        call: Option<unsafe extern "C" fn(self_: *mut c_void, call: *const tocsin_http_call)>,
    }
    tocsin_host_http_answer {
        struct_size: u32,
        reserved: u32,
        answer: Option<unsafe extern "C" fn(context: *mut c_void, call: tocsin_token, answer: *const tocsin_http_answer)>,
    }
    tocsin_host_log {
        struct_size: u32,
        reserved: u32,
        write: Option<unsafe extern "C" fn(context: *mut c_void, level: tocsin_log_level, text: tocsin_string, fields: *const tocsin_field, field_count: u64)>,
    }
    tocsin_metric {
        struct_size: u32,
        kind: tocsin_metric_kind,
        name: tocsin_string,
        help: tocsin_string,
        divisor: i64,
        bounds: *const i64,
        bound_count: u64,
    }
    tocsin_host_metrics {
        struct_size: u32,
        reserved: u32,
        series: Option<unsafe extern "C" fn(context: *mut c_void, metric: *const tocsin_metric, labels: *const tocsin_field, label_count: u64) -> u64>,
        record: Option<unsafe extern "C" fn(context: *mut c_void, series: u64, value: i64)>,
    }
    tocsin_preset {
        struct_size: u32,
        reserved: u32,
        check: Option<unsafe extern "C" fn(self_: *mut c_void, endpoint: *const tocsin_endpoint, report: *const tocsin_finding_report)>,
    }
    tocsin_secret_store_config {
        struct_size: u32,
        reserved: u32,
        name: tocsin_string,
        settings: tocsin_string,
    }
    tocsin_secret_answer {
        struct_size: u32,
        status: tocsin_status,
        value: tocsin_bytes,
        valid_ms: i64,
        reason: tocsin_string,
    }
    tocsin_secret_store {
        struct_size: u32,
        reserved: u32,
        open: Option<unsafe extern "C" fn(self_: *mut c_void, config: *const tocsin_secret_store_config, store: *mut tocsin_token, error: *const tocsin_sink) -> tocsin_status>,
        close: Option<unsafe extern "C" fn(self_: *mut c_void, store: tocsin_token)>,
        fetch: Option<unsafe extern "C" fn(self_: *mut c_void, store: tocsin_token, request: tocsin_token, reference: tocsin_string)>,
    }
    tocsin_host_secret_answer {
        struct_size: u32,
        reserved: u32,
        answer: Option<unsafe extern "C" fn(context: *mut c_void, request: tocsin_token, answer: *const tocsin_secret_answer)>,
    }
    tocsin_host_secrets {
        struct_size: u32,
        reserved: u32,
        reveal: Option<unsafe extern "C" fn(context: *mut c_void, handle: u64, value: *const tocsin_sink, error: *const tocsin_sink) -> tocsin_status>,
    }
    tocsin_service {
        struct_size: u32,
        reserved: u32,
        table: *const c_void,
        self_: *mut c_void,
    }
    tocsin_host_services {
        struct_size: u32,
        reserved: u32,
        find: Option<unsafe extern "C" fn(context: *mut c_void, id: tocsin_string, service: *mut tocsin_service) -> tocsin_status>,
    }
    tocsin_signin_request {
        struct_size: u32,
        encrypted: u32,
        service: tocsin_string,
        server_name: tocsin_string,
        mechanism: tocsin_string,
        tls_exporter: tocsin_bytes,
        tls_server_end_point: tocsin_bytes,
    }
    tocsin_signin_event {
        struct_size: u32,
        kind: tocsin_signin_event_kind,
        exchange: tocsin_token,
        has_data: u32,
        reserved: u32,
        data: tocsin_bytes,
        code: tocsin_string,
        detail: tocsin_string,
    }
    tocsin_signin_handler {
        struct_size: u32,
        reserved: u32,
        event: Option<unsafe extern "C" fn(context: *mut c_void, event: *const tocsin_signin_event)>,
    }
    tocsin_signin {
        struct_size: u32,
        reserved: u32,
        open_account: Option<unsafe extern "C" fn(self_: *mut c_void, settings: tocsin_string, account: *mut tocsin_token, error: *const tocsin_sink) -> tocsin_status>,
        close_account: Option<unsafe extern "C" fn(self_: *mut c_void, account: tocsin_token)>,
        choose: Option<unsafe extern "C" fn(self_: *mut c_void, account: tocsin_token, offered: tocsin_string, encrypted: u32, usable: *const tocsin_sink) -> tocsin_status>,
        begin: Option<unsafe extern "C" fn(self_: *mut c_void, account: tocsin_token, request: *const tocsin_signin_request, handler: *const tocsin_signin_handler, context: *mut c_void, exchange: *mut tocsin_token) -> tocsin_status>,
        step: Option<unsafe extern "C" fn(self_: *mut c_void, exchange: tocsin_token, challenge: tocsin_bytes)>,
        finish: Option<unsafe extern "C" fn(self_: *mut c_void, exchange: tocsin_token, accepted: u32, server_reply: tocsin_string)>,
    }
    tocsin_source_config {
        struct_size: u32,
        reserved: u32,
        name: tocsin_string,
        organization: tocsin_string,
        settings: tocsin_string,
        credits: u64,
    }
    tocsin_publish_result {
        struct_size: u32,
        status: tocsin_status,
        accepted: u64,
        duplicates: u64,
        reason: tocsin_string,
    }
    tocsin_source {
        struct_size: u32,
        reserved: u32,
        open: Option<unsafe extern "C" fn(self_: *mut c_void, config: *const tocsin_source_config, source: *mut tocsin_token, error: *const tocsin_sink) -> tocsin_status>,
        close: Option<unsafe extern "C" fn(self_: *mut c_void, source: tocsin_token)>,
        published: Option<unsafe extern "C" fn(self_: *mut c_void, source: tocsin_token, ticket: u64, result: *const tocsin_publish_result)>,
    }
    tocsin_host_publish {
        struct_size: u32,
        reserved: u32,
        publish: Option<unsafe extern "C" fn(context: *mut c_void, source: tocsin_token, ticket: u64, events: *const *const tocsin_event, event_count: u64, memory: *const tocsin_field, memory_count: u64, error: *const tocsin_sink) -> tocsin_status>,
        recall: Option<unsafe extern "C" fn(context: *mut c_void, source: tocsin_token, name: tocsin_string, value: *const tocsin_sink) -> tocsin_status>,
    }
    tocsin_stream_event {
        struct_size: u32,
        kind: tocsin_stream_event_kind,
        stream: tocsin_token,
        stage: tocsin_string,
        code: tocsin_string,
        detail: tocsin_string,
        duration_ms: u64,
        data: tocsin_bytes,
    }
    tocsin_stream_handler {
        struct_size: u32,
        reserved: u32,
        event: Option<unsafe extern "C" fn(context: *mut c_void, event: *const tocsin_stream_event)>,
    }
    tocsin_stream {
        struct_size: u32,
        reserved: u32,
        open_target: Option<unsafe extern "C" fn(self_: *mut c_void, settings: tocsin_string, target: *mut tocsin_token, error: *const tocsin_sink) -> tocsin_status>,
        close_target: Option<unsafe extern "C" fn(self_: *mut c_void, target: tocsin_token)>,
        connect: Option<unsafe extern "C" fn(self_: *mut c_void, target: tocsin_token, handler: *const tocsin_stream_handler, context: *mut c_void, stream: *mut tocsin_token) -> tocsin_status>,
        secure: Option<unsafe extern "C" fn(self_: *mut c_void, stream: tocsin_token)>,
        write: Option<unsafe extern "C" fn(self_: *mut c_void, stream: tocsin_token, data: tocsin_bytes)>,
        set_deadline: Option<unsafe extern "C" fn(self_: *mut c_void, stream: tocsin_token, delay_ms: u64)>,
        close: Option<unsafe extern "C" fn(self_: *mut c_void, stream: tocsin_token)>,
        wake: Option<unsafe extern "C" fn(self_: *mut c_void, stream: tocsin_token)>,
        facts: Option<unsafe extern "C" fn(self_: *mut c_void, stream: tocsin_token, json: *const tocsin_sink) -> tocsin_status>,
        channel_binding: Option<unsafe extern "C" fn(self_: *mut c_void, stream: tocsin_token, r#type: tocsin_string, value: *const tocsin_sink) -> tocsin_status>,
    }
    tocsin_subscription {
        struct_size: u32,
        reserved: u32,
        name: tocsin_string,
        settings: tocsin_string,
    }
    tocsin_subscriber {
        struct_size: u32,
        reserved: u32,
        open: Option<unsafe extern "C" fn(self_: *mut c_void, subscription: *const tocsin_subscription, token: *mut tocsin_token, error: *const tocsin_sink) -> tocsin_status>,
        close: Option<unsafe extern "C" fn(self_: *mut c_void, subscription: tocsin_token)>,
        events: Option<unsafe extern "C" fn(self_: *mut c_void, subscription: tocsin_token, events: *const *const tocsin_event, count: u64, lost: u64)>,
    }
    tocsin_host_thread_check {
        struct_size: u32,
        reserved: u32,
        current: Option<unsafe extern "C" fn(context: *mut c_void) -> tocsin_thread_kind>,
    }
}
