//! A source: publishes an event at a fixed interval and counts on over restarts.

use tocsin_sdk::*;

struct Ticker {
    uri: String,
    interval: u64,
}

struct TickSource {
    host: Host,
    tickers: TokenTable<Ticker>,
}

impl Plugin for TickSource {
    fn new(host: Host) -> Result<Self, Failure> {
        Ok(TickSource { host, tickers: TokenTable::new() })
    }
}

impl Source for TickSource {
    fn open(&self, config: &SourceConfig<'_>) -> Result<Token, Failure> {
        let interval = config.settings().integer("interval").unwrap_or(60_000).unsigned_abs();
        let source = self.tickers.add(Ticker { uri: format!("/ticker/{}", config.name()), interval });
        self.host.start_timer(source.index, interval);
        Ok(source)
    }

    fn close(&self, source: Token) {
        self.host.cancel_timer(source.index);
        self.tickers.remove(source);
    }
}

impl Timer for TickSource {
    fn fired(&self, id: u64) {
        let (source, its) = match self.tickers.at(id) {
            Some(found) => found,
            None => return, // closed meanwhile
        };
        self.host.start_timer(id, its.interval);
        let before: i64 = self.host.recall(source, "count").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        let count = (before + 1).to_string();
        // The same tick has the same id, so that the host knows a duplicate. Event and memory are one commit.
        let time_ms = self.host.now_ms();
        let tick = Event { id: &count, source: &its.uri, kind: "org.example.tick", time_ms, ..Event::default() };
        let _ = self.host.publish(source, 0, &tick, &[("count", &count)]); // no credit: the next tick comes
    }
}

export_plugin!(TickSource: source, timer);

#[cfg(test)]
mod tests {
    use tocsin_sdk::testing::{State, TestHost};

    #[test]
    fn counts_on_from_what_it_remembered() {
        let mut begin = State::default();
        begin.memory.insert("count".into(), "41".into());
        let host = TestHost::start_with(super::tocsin_plugin_entry_v1, begin);
        let source = host.open_source("clock", "{\"interval\":5000}").unwrap();
        assert_eq!(host.state().timers.values().collect::<Vec<_>>(), [&5000]);
        host.fire_timers();
        host.fire_timers();
        let ids: Vec<_> = host.state().events.iter().map(|event| event.id.clone()).collect();
        assert_eq!(ids, ["42", "43"]);
        assert_eq!(host.state().memory["count"], "43");
        host.close_source(source);
        assert!(host.state().timers.is_empty());
    }
}
