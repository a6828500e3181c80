// SPDX-License-Identifier: Apache-2.0
//! The test host's side: the extensions that it offers, each of which keeps what the plugin hands in.

use super::*;

unsafe fn state<'a>(context: *mut c_void) -> MutexGuard<'a, State> {
    (*context.cast::<Inner>()).lock()
}

/// Keeps something, and wakes who waits for it.
unsafe fn hand_in(context: *mut c_void, keep: impl FnOnce(&mut State)) {
    keep(&mut state(context));
    (*context.cast::<Inner>()).changed.notify_all();
}

unsafe extern "C" fn write_log(context: *mut c_void, _: tocsin_log_level, text: tocsin_string, fields: *const tocsin_field,
                               count: u64) {
    let mut line = text_of(&text).to_string();
    for field in slice_of(fields, count) {
        line += &format!(" {}={}", text_of(&field.name), text_of(&field.value));
    }
    hand_in(context, |state| state.log.push(line));
}

unsafe extern "C" fn now_ms(context: *mut c_void) -> i64 {
    state(context).now_ms
}

unsafe extern "C" fn monotonic_ns(context: *mut c_void) -> u64 {
    state(context).now_ms as u64 * 1_000_000
}

unsafe extern "C" fn start_timer(context: *mut c_void, id: u64, delay_ms: u64) {
    hand_in(context, |state| {
        // One without a delay that starts itself again would never let the clock go on.
        let due = state.now_ms.saturating_add(i64::try_from(delay_ms.max(1)).unwrap_or(i64::MAX));
        state.timers.insert(id, delay_ms);
        state.due_ms.insert(id, due);
    });
}

unsafe extern "C" fn cancel_timer(context: *mut c_void, id: u64) {
    hand_in(context, |state| {
        state.timers.remove(&id);
        state.due_ms.remove(&id);
    });
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
        let completed = Completed {
            delivery: outcome.delivery.into(),
            class: outcome.outcome_class,
            code: text_of(&outcome.code).into(),
            detail: text_of(&outcome.detail).into(),
            server_reply: text_of(&outcome.server_reply).into(),
        };
        hand_in(context, |state| state.outcomes.push(completed));
    }
}

unsafe extern "C" fn publish(context: *mut c_void, source: tocsin_token, ticket: u64, events: *const *const tocsin_event,
                             event_count: u64, memory: *const tocsin_field, memory_count: u64,
                             error: *const tocsin_sink) -> tocsin_status {
    let publishing = state(context).publishing;
    if publishing != TOCSIN_OK {
        write_to(error, b"the test has publish() refuse");
        return publishing;
    }
    let events: Vec<Event<'_>> = slice_of(events, event_count).iter().map(|one| Event::borrowed(*one)).collect();
    if events.iter().any(|event| event.id.is_empty() || event.source.is_empty() || event.kind.is_empty()) {
        write_to(error, b"an event needs id, source and type");
        return TOCSIN_INVALID;
    }
    let published = events.iter().map(|event| Published {
        source: source.into(),
        ticket,
        id: event.id.into(),
        origin: event.source.into(),
        kind: event.kind.into(),
        subject: event.subject.into(),
        severity: event.severity.into(),
        organization: event.organization.into(),
        data: event.data.into(),
    });
    let remembered = slice_of(memory, memory_count).iter();
    hand_in(context, |state| {
        state.events.extend(published);
        state.memory.extend(remembered.map(|entry| (text_of(&entry.name).into(), text_of(&entry.value).into())));
    });
    TOCSIN_OK
}

unsafe extern "C" fn recall(context: *mut c_void, _: tocsin_token, name: tocsin_string, value: *const tocsin_sink) -> tocsin_status {
    let remembered = state(context).memory.get(text_of(&name)).cloned();
    remembered.map_or(TOCSIN_OK, |text| write_to(value, text.as_bytes()))
}

unsafe extern "C" fn answer(context: *mut c_void, _: tocsin_token, answer: *const tocsin_secret_answer) {
    let answer = &*answer;
    let answered = Answered {
        status: answer.status,
        value: slice_of(answer.value.data, answer.value.size).to_vec(),
        reason: text_of(&answer.reason).into(),
    };
    hand_in(context, |state| state.answers.push(answered));
}

unsafe extern "C" fn answer_http(context: *mut c_void, call: tocsin_token, answer: *const tocsin_http_answer) {
    let answer = &*answer;
    let headers = slice_of(answer.headers, answer.header_count).iter();
    let answered = HttpAnswered {
        call: call.into(),
        status: answer.status,
        content_type: text_of(&answer.content_type).into(),
        headers: headers.map(|one| (text_of(&one.name).into(), text_of(&one.value).into())).collect(),
        body: String::from_utf8_lossy(slice_of(answer.body.data, answer.body.size)).into_owned(),
    };
    hand_in(context, |state| state.http_answers.push(answered));
}

unsafe extern "C" fn series(context: *mut c_void, metric: *const tocsin_metric, labels: *const tocsin_field, count: u64) -> u64 {
    let (name, kind) = (text_of(&(*metric).name).to_string(), (*metric).kind);
    let labels: Vec<_> =
        slice_of(labels, count).iter().map(|one| format!("{}={}", text_of(&one.name), text_of(&one.value))).collect();
    let made = Series { name, labels: labels.join(","), kind, value: 0, records: 0 };
    let mut number = 0;
    hand_in(context, |state| {
        let known = state.series.iter().position(|one| (&one.name, &one.labels) == (&made.name, &made.labels));
        let at = known.unwrap_or_else(|| {
            state.series.push(made);
            state.series.len() - 1
        });
        if state.series[at].kind == kind {
            number = at as u64 + 1;
        }
    });
    number
}

unsafe extern "C" fn record(context: *mut c_void, series: u64, value: i64) {
    hand_in(context, |state| {
        let found = usize::try_from(series).ok().and_then(|number| state.series.get_mut(number.wrapping_sub(1)));
        if let Some(its) = found {
            its.value = if its.kind == TOCSIN_METRIC_GAUGE { value } else { its.value + value };
            its.records += 1;
        }
    });
}

unsafe extern "C" fn stage(context: *mut c_void, _: tocsin_token, stage: *const tocsin_stage) {
    let stage = &*stage;
    let seen = Stage {
        stage: text_of(&stage.stage).into(),
        ok: stage.ok != 0,
        code: text_of(&stage.code).into(),
        detail: text_of(&stage.detail).into(),
    };
    hand_in(context, |state| state.stages.push(seen));
}

unsafe extern "C" fn done(context: *mut c_void, _: tocsin_token) {
    hand_in(context, |state| state.diagnoses += 1);
}

pub(super) unsafe extern "C" fn get_extension(_: *mut c_void, id: tocsin_string) -> *const c_void {
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
        TOCSIN_HOST_HTTP_ANSWER => table!(tocsin_host_http_answer { answer: answer_http }),
        TOCSIN_HOST_METRICS => table!(tocsin_host_metrics { series: series, record: record }),
        TOCSIN_HOST_DOCTOR => table!(tocsin_host_doctor { stage: stage, done: done }),
        TOCSIN_HOST_SECRET_ANSWER => table!(tocsin_host_secret_answer { answer: answer }),
        _ => std::ptr::null(),
    }
}
