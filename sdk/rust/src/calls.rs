// SPDX-License-Identifier: Apache-2.0
//! The traits that a plugin implements, and the tables of C functions that call them. No panic passes a table's function.

use crate::abi::*;
use crate::doctor::Run;
use crate::host::{Delivery, Host, HttpReply, Level, SecretRequest};
use crate::values::*;
use std::os::raw::c_void;
use std::panic::{catch_unwind, AssertUnwindSafe};

/// What every plugin is.
pub trait Plugin: Send + Sync + Sized + 'static {
    /// [control] Make the object and no more: no thread, no file, no network before `start()`.
    fn new(host: Host) -> Result<Self, Failure>;

    /// [control] created, stopped. Start threads, be ready for work.
    fn start(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// [control] active, draining. Finish or abandon all work. After it returns the plugin calls nothing of the host's and
    /// has no thread.
    fn stop(&self) {}
}

/// The answer to `Channel::open`.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    /// Names the endpoint from now on; `TokenTable` makes such names.
    pub token: Token,
    /// How many deliveries it takes at once; at least 1.
    pub slots: u32,
}

/// tocsin.channel/1: takes messages out of the house.
pub trait Channel: Plugin {
    /// [control] active. Take an endpoint's settings; connect nothing yet. A failure says that they cannot work.
    fn open(&self, endpoint: &Endpoint<'_>) -> Result<Opened, Failure>;

    /// [control] active, draining. Complete or return the deliveries that the endpoint still has before this returns.
    fn close(&self, endpoint: Token);

    /// [worker] active. Begin one delivery and return at once; complete it now or later, from any thread.
    fn deliver(&self, message: &Message<'_>, delivery: Delivery);

    /// [any] active, draining. Complete these as soon as possible, as returned where they were not begun.
    fn cancel(&self, _deliveries: &[Token]) {}
}

/// tocsin.source/1: publishes events.
pub trait Source: Plugin {
    /// [control] active. Begin a configured source and name it.
    fn open(&self, config: &SourceConfig<'_>) -> Result<Token, Failure>;

    /// [control] active, draining. Publish nothing for it any more.
    fn close(&self, source: Token);

    /// [worker] active, draining. The answer to the publish() that bore this ticket, exactly once.
    fn published(&self, _source: Token, _ticket: u64, _result: &PublishResult<'_>) {}
}

/// tocsin.timer/1: is called when a timer of the host's runs out.
pub trait Timer: Plugin {
    /// [worker] active, draining.
    fn fired(&self, id: u64);
}

/// Takes what a preset finds. Valid for the call.
pub struct Report<'a> {
    raw: &'a tocsin_finding_report,
}

impl Report<'_> {
    /// The settings cannot work. text: what is wrong and what to do, one or two sentences.
    pub fn error(&self, key: &str, code: &str, text: &str) {
        self.give(1, key, code, text);
    }

    /// They work, but perhaps not as meant.
    pub fn warning(&self, key: &str, code: &str, text: &str) {
        self.give(0, key, code, text);
    }

    fn give(&self, fatal: u32, key: &str, code: &str, text: &str) {
        if let Some(finding) = self.raw.finding {
            let raw = tocsin_finding {
                struct_size: std::mem::size_of::<tocsin_finding>() as u32,
                fatal,
                key: lend(key),
                code: lend(code),
                text: lend(text),
            };
            // SAFETY: lent for the call.
            unsafe { finding(self.raw.context, &raw) }
        }
    }
}

/// tocsin.preset/1: checks a channel's settings where the manifest's data cannot say it.
pub trait Preset: Plugin {
    /// [control] active. Must not touch the network.
    fn check(&self, endpoint: &Endpoint<'_>, report: &Report<'_>);
}

/// What a plugin says of itself; the text is one sentence for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthReport {
    Good,
    /// It works, but somebody should look.
    Degraded(String),
    /// It cannot do its work.
    Failing(String),
}

/// tocsin.health/1: a plugin's word on itself.
pub trait Health: Plugin {
    /// [worker] active. Answer at once from what is known. A panic: it is failing.
    fn check_health(&self) -> HealthReport;
}

/// tocsin.config/1: settings in code, where the schema cannot say it, and settings of an older version.
pub trait Config: Plugin {
    /// [control] active. Look at settings that hold the schema. Must not touch the network.
    fn check_settings(&self, input: &ConfigInput<'_>, report: &Report<'_>);

    /// [control] active. Settings that do not hold the schema, as they were written: if they are an older version's, the
    /// whole table in today's form as JSON, and a warning for each key that says what became of it.
    fn migrate_settings(&self, _input: &ConfigInput<'_>, _report: &Report<'_>) -> Option<String> {
        None
    }
}

/// tocsin.http_route/1: takes requests to /v1/sources/NAME/... on the host's one listener.
pub trait HttpRoute: Plugin {
    /// [any] active. Take one request and return at once; answer it now or later, from any thread. After 30 s the host
    /// answers for you. Several may come at once. The method and the path are among the manifest's "http_routes", and the
    /// caller's token was checked. A panic: 500.
    fn call(&self, call: &HttpCall<'_>, reply: HttpReply);
}

/// tocsin.doctor/1: looks at an endpoint stage by stage.
pub trait Doctor: Plugin {
    /// [control] active. Begin and return at once; report stages in the manifest's order, the first that fails is the
    /// last. The diagnosis ends when `run` is dropped. A failure: it did not begin, and nothing was reported.
    fn diagnose(&self, request: &Diagnosis<'_>, run: Run) -> Result<(), Failure>;
}

/// tocsin.subscriber/1: gets a copy of events.
pub trait Subscriber: Plugin {
    /// [control] active. Begin a configured subscription and name it.
    fn open(&self, subscription: &Subscription<'_>) -> Result<Token, Failure>;

    /// [control] active, draining. No event for it comes any more.
    fn close(&self, subscription: Token);

    /// [worker] active. Events in the order of their commit; `lost` were passed over since the call before.
    fn events(&self, subscription: Token, events: &[Event<'_>], lost: u64);
}

/// tocsin.secrets/1: serves references in settings.
pub trait SecretStore: Plugin {
    /// [control] active. Take the store's settings and name it; connect nothing yet.
    fn open(&self, store: &Subscription<'_>) -> Result<Token, Failure>;

    /// [control] active, draining. Answer the requests that are under way before this returns.
    fn close(&self, store: Token);

    /// [any] active: several at once. Look up what follows the colon of a reference; answer now or later, from any thread.
    fn fetch(&self, store: Token, reference: &str, request: SecretRequest);
}

/// One instance of a plugin. Its address is the `self` of every call.
pub struct Instance<P> {
    table: tocsin_plugin,
    host: Host,
    plugin: P,
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().map(|text| text.to_string());
    words.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without words".into())
}

unsafe fn say(error: *const tocsin_sink, text: &str) {
    // A sink that is too short to have a function is none.
    if !error.is_null() && (*error).struct_size as usize >= std::mem::size_of::<tocsin_sink>() {
        if let Some(write) = (*error).write {
            write((*error).context, tocsin_bytes { data: text.as_ptr(), size: text.len() as u64 });
        }
    }
}

/// For a call that answers a status.
unsafe fn answering(error: *const tocsin_sink, body: impl FnOnce() -> Result<(), Failure>) -> tocsin_status {
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return TOCSIN_OK,
        Ok(Err(failure)) => failure,
        Err(panic) => Failure::new(TOCSIN_FAILED, words_of(&*panic)),
    };
    say(error, &failure.text);
    failure.status
}

/// For a call that answers nothing.
fn guarded(host: &Host, call: &str, body: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(body)) {
        host.log_with(Level::Error, "the plugin ended a call with a panic", &[("call", call), ("panic", &words_of(&*panic))]);
    }
}

unsafe fn instance<'a, P: Plugin>(this: *mut c_void) -> &'a Instance<P> {
    &*this.cast::<Instance<P>>()
}

unsafe extern "C" fn start<P: Plugin>(this: *mut c_void, error: *const tocsin_sink) -> tocsin_status {
    answering(error, || instance::<P>(this).plugin.start())
}

unsafe extern "C" fn stop<P: Plugin>(this: *mut c_void) {
    let its = instance::<P>(this);
    guarded(&its.host, "stop", || its.plugin.stop());
}

unsafe extern "C" fn destroy<P: Plugin>(this: *mut c_void) {
    let host = instance::<P>(this).host;
    guarded(&host, "destroy", || drop(Box::from_raw(this.cast::<Instance<P>>())));
}

type GetExtension = unsafe extern "C" fn(*mut c_void, tocsin_string) -> *const c_void;

/// # Safety
/// As the entry's create().
pub unsafe fn create<P: Plugin>(host: *const tocsin_host, made: *mut *const tocsin_plugin, error: *const tocsin_sink,
                                get_extension: GetExtension) -> tocsin_status {
    let usable = !host.is_null() && (*host).struct_size as usize >= std::mem::size_of::<tocsin_host>();
    if !usable || made.is_null() || (*host).get_extension.is_none() {
        say(error, "create() without a usable tocsin_host");
        return TOCSIN_INVALID;
    }
    answering(error, || {
        let host = Host::new(host);
        let table = tocsin_plugin {
            struct_size: std::mem::size_of::<tocsin_plugin>() as u32,
            reserved: 0,
            self_: std::ptr::null_mut(),
            get_extension: Some(get_extension),
            start: Some(start::<P>),
            stop: Some(stop::<P>),
            destroy: Some(destroy::<P>),
        };
        let its = Box::into_raw(Box::new(Instance { table, host, plugin: P::new(host)? }));
        (*its).table.self_ = its.cast();
        *made = &(*its).table;
        Ok(())
    })
}

/// The tables, by the kinds that `export_plugin!` takes.
pub mod tables {
    macro_rules! table {
        ($kind:ident, $id:ident, $plugin:ident: $bound:path, $table:ident { $($field:ident),* } $($function:item)*) => {
            pub mod $kind {
                use super::super::*;

                pub const ID: &str = $id;
                $($function)*

                struct Table<$plugin>(std::marker::PhantomData<$plugin>);
                impl<$plugin: $bound> Table<$plugin> {
                    const TABLE: &'static $table = &$table {
                        struct_size: std::mem::size_of::<$table>() as u32,
                        reserved: 0,
                        $($field: Some($field::<$plugin>),)*
                    };
                }
                pub fn table<$plugin: $bound>() -> *const c_void {
                    (Table::<$plugin>::TABLE as *const $table).cast()
                }
            }
        };
    }

    table! { channel, TOCSIN_EXT_CHANNEL, P: Channel, tocsin_channel { open, close, deliver, cancel }
        unsafe extern "C" fn open<P: Channel>(this: *mut c_void, endpoint: *const tocsin_endpoint,
                                              info: *mut tocsin_endpoint_info, error: *const tocsin_sink) -> tocsin_status {
            answering(error, || {
                let opened = instance::<P>(this).plugin.open(&Endpoint::new(endpoint))?;
                (*info).slots = opened.slots;
                (*info).token = opened.token.into();
                Ok(())
            })
        }
        unsafe extern "C" fn close<P: Channel>(this: *mut c_void, endpoint: tocsin_token) {
            let its = instance::<P>(this);
            guarded(&its.host, "channel.close", || its.plugin.close(endpoint.into()));
        }
        unsafe extern "C" fn deliver<P: Channel>(this: *mut c_void, messages: *const *const tocsin_message, count: u64) {
            let its = instance::<P>(this);
            for message in slice_of(messages, count) {
                let delivery = Delivery::new(its.host, (**message).delivery.into());
                guarded(&its.host, "channel.deliver", || its.plugin.deliver(&Message::new(*message), delivery));
            }
        }
        unsafe extern "C" fn cancel<P: Channel>(this: *mut c_void, deliveries: *const tocsin_token, count: u64) {
            let its = instance::<P>(this);
            let tokens: Vec<Token> = slice_of(deliveries, count).iter().map(|token| (*token).into()).collect();
            guarded(&its.host, "channel.cancel", || its.plugin.cancel(&tokens));
        }
    }

    table! { source, TOCSIN_EXT_SOURCE, P: Source, tocsin_source { open, close, published }
        unsafe extern "C" fn open<P: Source>(this: *mut c_void, config: *const tocsin_source_config,
                                             source: *mut tocsin_token, error: *const tocsin_sink) -> tocsin_status {
            answering(error, || {
                *source = instance::<P>(this).plugin.open(&SourceConfig::new(config))?.into();
                Ok(())
            })
        }
        unsafe extern "C" fn close<P: Source>(this: *mut c_void, source: tocsin_token) {
            let its = instance::<P>(this);
            guarded(&its.host, "source.close", || its.plugin.close(source.into()));
        }
        unsafe extern "C" fn published<P: Source>(this: *mut c_void, source: tocsin_token, ticket: u64,
                                                  result: *const tocsin_publish_result) {
            let its = instance::<P>(this);
            guarded(&its.host, "source.published",
                    || its.plugin.published(source.into(), ticket, &PublishResult::new(result)));
        }
    }

    table! { timer, TOCSIN_EXT_TIMER, P: Timer, tocsin_timer { fired }
        unsafe extern "C" fn fired<P: Timer>(this: *mut c_void, id: u64) {
            let its = instance::<P>(this);
            guarded(&its.host, "timer.fired", || its.plugin.fired(id));
        }
    }

    table! { preset, TOCSIN_EXT_PRESET, P: Preset, tocsin_preset { check }
        unsafe extern "C" fn check<P: Preset>(this: *mut c_void, endpoint: *const tocsin_endpoint,
                                              report: *const tocsin_finding_report) {
            let its = instance::<P>(this);
            guarded(&its.host, "preset.check",
                    || its.plugin.check(&Endpoint::new(endpoint), &Report { raw: &*report }));
        }
    }

    table! { health, TOCSIN_EXT_HEALTH, P: Health, tocsin_health { check }
        unsafe extern "C" fn check<P: Health>(this: *mut c_void, text: *const tocsin_sink) -> tocsin_health_state {
            let mut state = TOCSIN_HEALTH_FAILING;
            answering(text, || {
                match instance::<P>(this).plugin.check_health() {
                    HealthReport::Good => state = TOCSIN_HEALTH_GOOD,
                    HealthReport::Degraded(why) => {
                        say(text, &why);
                        state = TOCSIN_HEALTH_DEGRADED;
                    }
                    HealthReport::Failing(why) => say(text, &why),
                }
                Ok(())
            });
            state
        }
    }

    table! { config, TOCSIN_EXT_CONFIG, P: Config, tocsin_config { check, migrate }
        unsafe extern "C" fn check<P: Config>(this: *mut c_void, input: *const tocsin_config_input,
                                              report: *const tocsin_finding_report) {
            let its = instance::<P>(this);
            guarded(&its.host, "config.check",
                    || its.plugin.check_settings(&ConfigInput::new(input), &Report { raw: &*report }));
        }
        unsafe extern "C" fn migrate<P: Config>(this: *mut c_void, input: *const tocsin_config_input,
                                                settings: *const tocsin_sink,
                                                report: *const tocsin_finding_report) -> tocsin_status {
            let mut made = None;
            let status = answering(std::ptr::null(), || {
                made = instance::<P>(this).plugin.migrate_settings(&ConfigInput::new(input), &Report { raw: &*report });
                Ok(())
            });
            match made {
                Some(table) => say(settings, &table),
                None if status == TOCSIN_OK => return TOCSIN_UNSUPPORTED,
                None => {}
            }
            status
        }
    }

    table! { http_route, TOCSIN_EXT_HTTP_ROUTE, P: HttpRoute, tocsin_http_route { call }
        unsafe extern "C" fn call<P: HttpRoute>(this: *mut c_void, call: *const tocsin_http_call) {
            let its = instance::<P>(this);
            let reply = HttpReply::new(its.host, (*call).call.into());
            guarded(&its.host, "http_route.call", || its.plugin.call(&HttpCall::new(call), reply));
        }
    }

    table! { doctor, TOCSIN_EXT_DOCTOR, P: Doctor, tocsin_doctor { diagnose }
        unsafe extern "C" fn diagnose<P: Doctor>(this: *mut c_void, request: *const tocsin_diagnosis,
                                                 error: *const tocsin_sink) -> tocsin_status {
            let its = instance::<P>(this);
            let (run, begun) = Run::new(its.host, (*request).run.into());
            let status = answering(error, || its.plugin.diagnose(&Diagnosis::new(request), run));
            begun.returned(status == TOCSIN_OK);
            status
        }
    }

    table! { subscriber, TOCSIN_EXT_SUBSCRIBER, P: Subscriber, tocsin_subscriber { open, close, events }
        unsafe extern "C" fn open<P: Subscriber>(this: *mut c_void, subscription: *const tocsin_subscription,
                                                 token: *mut tocsin_token, error: *const tocsin_sink) -> tocsin_status {
            answering(error, || {
                *token = instance::<P>(this).plugin.open(&Subscription::new(subscription))?.into();
                Ok(())
            })
        }
        unsafe extern "C" fn close<P: Subscriber>(this: *mut c_void, subscription: tocsin_token) {
            let its = instance::<P>(this);
            guarded(&its.host, "subscriber.close", || its.plugin.close(subscription.into()));
        }
        unsafe extern "C" fn events<P: Subscriber>(this: *mut c_void, subscription: tocsin_token,
                                                   events: *const *const tocsin_event, count: u64, lost: u64) {
            let its = instance::<P>(this);
            guarded(&its.host, "subscriber.events", || {
                let events: Vec<Event<'_>> = slice_of(events, count).iter().map(|one| Event::borrowed(*one)).collect();
                its.plugin.events(subscription.into(), &events, lost);
            });
        }
    }

    table! { secrets, TOCSIN_EXT_SECRETS, P: SecretStore, tocsin_secret_store { open, close, fetch }
        unsafe extern "C" fn open<P: SecretStore>(this: *mut c_void, config: *const tocsin_secret_store_config,
                                                  store: *mut tocsin_token, error: *const tocsin_sink) -> tocsin_status {
            answering(error, || {
                // What a store's configuration says is what a subscription says.
                let raw = tocsin_subscription {
                    struct_size: std::mem::size_of::<tocsin_subscription>() as u32,
                    reserved: 0,
                    name: (*config).name,
                    settings: (*config).settings,
                };
                *store = instance::<P>(this).plugin.open(&Subscription::new(&raw))?.into();
                Ok(())
            })
        }
        unsafe extern "C" fn close<P: SecretStore>(this: *mut c_void, store: tocsin_token) {
            let its = instance::<P>(this);
            guarded(&its.host, "secrets.close", || its.plugin.close(store.into()));
        }
        unsafe extern "C" fn fetch<P: SecretStore>(this: *mut c_void, store: tocsin_token, request: tocsin_token,
                                                   reference: tocsin_string) {
            let its = instance::<P>(this);
            let request = SecretRequest::new(its.host, request.into());
            guarded(&its.host, "secrets.fetch", || its.plugin.fetch(store.into(), text_of(&reference), request));
        }
    }
}
