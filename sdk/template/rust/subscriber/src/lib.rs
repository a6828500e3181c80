//! A subscriber: appends a line for each event to a file, as an audit trail.

use std::fs::OpenOptions;
use std::io::Write;
use tocsin_sdk::*;

struct AuditFile {
    host: Host,
    paths: TokenTable<String>,
}

impl Plugin for AuditFile {
    fn new(host: Host) -> Result<Self, Failure> {
        Ok(AuditFile { host, paths: TokenTable::new() })
    }
}

impl Subscriber for AuditFile {
    fn open(&self, subscription: &Subscription<'_>) -> Result<Token, Failure> {
        let path = subscription.settings().text("path").unwrap_or_default();
        if path.is_empty() {
            return Err("path is empty; name the file that events are noted in".into());
        }
        Ok(self.paths.add(path))
    }

    fn close(&self, subscription: Token) {
        self.paths.remove(subscription);
    }

    fn events(&self, subscription: Token, events: &[Event<'_>], lost: u64) {
        let mut lines = if lost > 0 { format!("({} events were passed over)\n", lost) } else { String::new() };
        for event in events {
            lines += &format!("{} {} {}\n", event.kind, event.source, event.id);
        }
        if let Some(path) = self.paths.get(subscription) {
            let file = OpenOptions::new().append(true).create(true).open(&*path);
            if let Err(why) = file.and_then(|mut file| file.write_all(lines.as_bytes())) {
                self.host.log(Level::Error, &format!("cannot write {}: {}", path, why));
            }
        }
    }
}

export_plugin!(AuditFile: subscriber);

#[cfg(test)]
mod tests {
    use tocsin_sdk::testing::TestHost;
    use tocsin_sdk::Event;

    #[test]
    fn notes_each_event_and_how_many_are_missing() {
        let path = std::env::temp_dir().join(format!("my-plugin.{}.txt", std::process::id()));
        let host = TestHost::start(super::tocsin_plugin_entry_v1);
        let settings = format!("{{\"path\":\"{}\"}}", path.display());
        let subscription = host.open_subscriber("audit", &settings).unwrap();
        let event = Event { id: "7", source: "/test", kind: "org.example.tick", ..Event::default() };
        host.hand_event(subscription, &event, 2);
        let written = std::fs::read_to_string(&path).unwrap();
        assert_eq!(written, "(2 events were passed over)\norg.example.tick /test 7\n");
        assert!(host.open_subscriber("audit", "{}").is_err());
        std::fs::remove_file(path).unwrap();
    }
}
