//! The peers, each with one boolean flag at 10 % among 1,000 where it loads so many, called the cheapest way that its API
//! has: what the peer's own client does around it is not measured.

#[cfg(feature = "eppo")]
pub mod eppo;
#[cfg(feature = "flagd")]
pub mod flagd;
#[cfg(feature = "growthbook")]
pub mod growthbook;
#[cfg(feature = "hdrhistogram")]
pub mod hdrhistogram;
#[cfg(feature = "launchdarkly")]
pub mod launchdarkly;
pub mod list;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "prometheus")]
pub mod prometheus;
#[cfg(feature = "statsig")]
pub mod statsig;
#[cfg(feature = "unleash")]
pub mod unleash;
