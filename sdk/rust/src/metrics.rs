// SPDX-License-Identifier: Apache-2.0
//! Numbers of a plugin's own, which the host serves at /metrics: made once, in `Plugin::new` or `start()`, and kept.
//! Recording is one addition, without a look-up or a lock, from any thread. Where the host has no metrics, or refused the
//! series (its log says why), recording does nothing.

use crate::abi::*;
use crate::host::Host;
use crate::values::lend;

/// One series: a metric with the values of its labels. Labels have few values: no ids, no addresses.
#[derive(Clone, Copy)]
struct Series {
    host: Host,
    number: u64,
}

impl Series {
    fn new(host: Host, kind: tocsin_metric_kind, name: &str, help: &str, bounds: &[i64], divisor: i64,
           labels: &[(&str, &str)]) -> Series {
        let metric = tocsin_metric {
            struct_size: std::mem::size_of::<tocsin_metric>() as u32,
            kind,
            name: lend(name),
            help: lend(help),
            divisor,
            bounds: bounds.as_ptr(),
            bound_count: bounds.len() as u64,
        };
        Series { host, number: host.series(&metric, labels) }
    }

    fn record(&self, value: i64) {
        if self.number != 0 {
            self.host.record(self.number, value);
        }
    }
}

/// Only grows; its name ends in `_total`.
#[derive(Clone, Copy)]
pub struct Counter(Series);

impl Counter {
    /// name: "sessions_total" is served as tocsin_PLUGIN_sessions_total. labels: `&[("result", "failed")]`.
    pub fn new(host: Host, name: &str, help: &str, labels: &[(&str, &str)]) -> Counter {
        Counter(Series::new(host, TOCSIN_METRIC_COUNTER, name, help, &[], 1, labels))
    }

    /// `count` is not negative.
    pub fn add(&self, count: i64) {
        self.0.record(count);
    }
}

/// Goes up and down.
#[derive(Clone, Copy)]
pub struct Gauge(Series);

impl Gauge {
    pub fn new(host: Host, name: &str, help: &str, labels: &[(&str, &str)]) -> Gauge {
        Gauge(Series::new(host, TOCSIN_METRIC_GAUGE, name, help, &[], 1, labels))
    }

    pub fn set(&self, value: i64) {
        self.0.record(value);
    }
}

/// How values spread.
#[derive(Clone, Copy)]
pub struct Histogram(Series);

impl Histogram {
    /// bounds: upper bounds of the buckets, rising. divisor: bounds and values are served divided by it, 1000 for
    /// milliseconds under a name that says seconds.
    pub fn new(host: Host, name: &str, help: &str, bounds: &[i64], divisor: i64, labels: &[(&str, &str)]) -> Histogram {
        Histogram(Series::new(host, TOCSIN_METRIC_HISTOGRAM, name, help, bounds, divisor, labels))
    }

    pub fn observe(&self, value: i64) {
        self.0.record(value);
    }
}
