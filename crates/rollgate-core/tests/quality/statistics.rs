//! The few statistics that the checks judge by.

/// A chi-square statistic as a standard normal deviate (Wilson and Hilferty 1931). Far above 0 is uneven, far below 0
/// more even than chance would be.
pub(crate) fn chi_square_z(statistic: f64, freedom: f64) -> f64 {
    let spread = 2.0 / (9.0 * freedom);
    (libm::cbrt(statistic / freedom) - (1.0 - spread)) / spread.sqrt()
}

/// The deviate of counts that should all be the same.
pub(crate) fn evenness_z(counts: &[u32]) -> f64 {
    let total: f64 = counts.iter().map(|count| f64::from(*count)).sum();
    let expected = total / counts.len() as f64;
    let statistic: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
    chi_square_z(statistic, counts.len() as f64 - 1.0)
}

/// What is wrong with deviates that should be independent standard normal ones: their middle, their spread, their shape.
///
/// Each of the three bounds is passed by chance once in a million times, the shape's by Kolmogorov's limit.
pub(crate) fn not_normal(deviates: &[f64]) -> Vec<String> {
    const SIGMA: f64 = 4.9;
    const KOLMOGOROV: f64 = 2.69;
    let n = deviates.len() as f64;
    let mut faults = Vec::new();
    let mean = deviates.iter().sum::<f64>() / n;
    if (mean * n.sqrt()).abs() > SIGMA {
        faults.push(format!("the mean of {n} deviates is {mean:.3}"));
    }
    let squares: f64 = deviates.iter().map(|z| (z - mean).powi(2)).sum();
    let spread = chi_square_z(squares, n - 1.0);
    if spread.abs() > SIGMA {
        faults
            .push(format!("the variance of {n} deviates is {:.3} ({spread:.1} sigma)", squares / (n - 1.0)));
    }
    let mut sorted = deviates.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut distance = 0.0_f64;
    for (index, z) in sorted.iter().enumerate() {
        let expected = 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2);
        distance =
            distance.max((expected - index as f64 / n).abs()).max(((index + 1) as f64 / n - expected).abs());
    }
    if distance * n.sqrt() > KOLMOGOROV {
        faults.push(format!("{n} deviates lie {distance:.3} from the normal distribution"));
    }
    faults
}
