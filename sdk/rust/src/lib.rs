// SPDX-License-Identifier: Apache-2.0
//! Plugins for Tocsin in Rust.
//!
//! A plugin is a type that implements [`Plugin`] and a trait for each extension that its manifest's "provides" names, in a
//! `cdylib` with one line, `export_plugin!(MyPlugin: channel);`. The manifest, `manifest.json` beside Cargo.toml, is put
//! into the library at compile time.
//!
//! A panic ends at the barrier: the call fails with its words, or they become a line in the host's log. (With
//! `panic = "abort"` it ends the host.) The threads that call each function, and the states in which they do, are told in
//! the ABI reference.

pub mod abi;
mod calls;
mod doctor;
mod host;
mod json;
mod manifest;
mod metrics;
pub mod testing;
mod token_table;
mod values;

pub use calls::{
    Channel, Config, Doctor, Health, HealthReport, HttpRoute, Instance, Opened, Plugin, Preset, Report, SecretStore, Source,
    Subscriber, Timer,
};
pub use doctor::Run;
pub use host::{Delivery, Host, HttpReply, Level, SecretRequest};
pub use json::{json_text, JsonWriter, Object};
pub use metrics::{Counter, Gauge, Histogram};
pub use token_table::TokenTable;
pub use values::{
    Class, ConfigInput, Diagnosis, Endpoint, Event, Failure, HttpCall, Message, Outcome, PublishResult, SourceConfig,
    Subscription, Token,
};

/// What `export_plugin!` is made of; not for use by hand.
#[doc(hidden)]
pub mod detail {
    pub use crate::calls::{create, tables};
    pub use crate::manifest::{entry, padded, Entry, Note};
    pub use crate::values::text_of;
}

/// Once in a plugin's crate: `export_plugin!(TYPE: KIND, ...);` with the kinds channel, source, timer, http_route, preset,
/// subscriber, secrets, doctor, health and config, as many as TYPE has traits of. Exports `tocsin_plugin_entry_v1` and embeds manifest.json.
#[macro_export]
macro_rules! export_plugin {
    ($plugin:ty : $($kind:ident),+ $(,)?) => {
        /// The one symbol of the library.
        #[no_mangle]
        pub extern "C" fn tocsin_plugin_entry_v1() -> *const $crate::abi::tocsin_entry {
            const MANIFEST: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.json"));

            #[used]
            #[cfg_attr(not(windows), link_section = ".note.tocsin")]
            #[cfg_attr(windows, link_section = ".tocsin")]
            static NOTE: $crate::detail::Note<{ $crate::detail::padded(MANIFEST.len()) }> =
                $crate::detail::Note::new(MANIFEST);

            unsafe extern "C" fn get_extension(
                _: *mut ::std::os::raw::c_void,
                id: $crate::abi::tocsin_string,
            ) -> *const ::std::os::raw::c_void {
                let id = $crate::detail::text_of(&id);
                $(
                    if id == $crate::detail::tables::$kind::ID {
                        return $crate::detail::tables::$kind::table::<$plugin>();
                    }
                )+
                ::std::ptr::null()
            }

            unsafe extern "C" fn create(
                host: *const $crate::abi::tocsin_host,
                plugin: *mut *const $crate::abi::tocsin_plugin,
                error: *const $crate::abi::tocsin_sink,
            ) -> $crate::abi::tocsin_status {
                $crate::detail::create::<$plugin>(host, plugin, error, get_extension)
            }

            static ENTRY: $crate::detail::Entry = $crate::detail::entry(MANIFEST, create);
            &ENTRY.0
        }
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn every_struct_has_the_recorded_layout() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/abi-offsets.txt");
        let table = std::fs::read_to_string(file).expect("docs/abi-offsets.txt");
        let recorded: BTreeSet<_> = table.lines()
            .filter(|line| !line.starts_with('#') && !line.contains(" value ")) // constants: abi.rs is made from the headers
            .map(String::from)
            .collect();
        // What Rust has as words of its own is called r#type and self_ there.
        let seen: BTreeSet<_> = crate::abi::layouts().iter().map(|line| line.replace("self_ offset", "self offset").replace("r#", "")).collect();
        assert!(recorded.len() > 300, "{} lines", recorded.len());
        let drift: Vec<_> = recorded.symmetric_difference(&seen).collect();
        assert!(drift.is_empty(), "not the same in the table and in Rust: {:#?}", drift);
    }
}
