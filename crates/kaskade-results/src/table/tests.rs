use super::*;
use crate::estimate::Quantiles;
use crate::fixture;
use crate::summary::Summary;

#[test]
fn a_cluster_job() {
    let (_, summary) = fixture::summary();
    assert_eq!(table(&summary), CLUSTER_JOB);
}

#[test]
fn one_simulation_in_one_process() {
    let sample = fixture::sample(&[&[1, 1]]);
    let mut record = fixture::record();
    record.performance.workers = 0;
    record.performance.threads = 1;
    record.performance.cpu_seconds = None;
    record.performance.peak_memory_bytes = None;
    assert_eq!(table(&Summary::new(&sample, record)), ONE_SIMULATION);
}

#[test]
fn a_stop_rule_and_outbreaks_are_told() {
    let rows: Vec<Vec<u64>> =
        (0..100).map(|i| if i < 60 { vec![1] } else { vec![1, 799] }).collect();
    let slices: Vec<_> = rows.iter().map(Vec::as_slice).collect();
    let mut record = fixture::record();
    record.spec.run.until = Some("relative-error=1%".parse().unwrap());
    record.spec.run.simulations = 100;
    let text = table(&Summary::new(&fixture::sample(&slices), record));
    assert!(text.contains(OUTBREAKS), "{text}");
}

const OUTBREAKS: &str = "\
until       relative error 24.05 %   look 1 of at most 1
            more than asked for: raise --simulations
            min 1   5 % 1   median 1   95 % 800   max 800
rounds      0.40 on average   at most 1
outbreaks   40.00 % break out (30.94 to 49.80 %)   from 32 nodes on
            then 800.00 on average   otherwise 1.00
";

const CLUSTER_JOB: &str = "\
job         demo   succeeded   4 simulations
graph       1,000 nodes   20,000 arcs
spread      39.25 nodes on average   3.92 % of all
            -22.33 to 100.83 with 95 % confidence   deviation 62.84
            min 2   5 % 2   median 5   95 % 133   max 133
rounds      1.50 on average   at most 3
course      peak in round 1   50 % by round 1   90 % by round 1   (medians)
spreads     2 █  █       █              █ 133   (log scale)

round  mean new  mean total  5 %  median  95 %
    0      2.00        2.00    2       2     2  █▎
    1     10.75       12.75    2       5    32  ███████▊
    2     26.25       39.00    2       5   132  ███████████████████████▉
    3      0.25       39.25    2       5   133  ████████████████████████

speed       8.00 simulations/s   0.50 s   0.75 CPU s   2 threads
work        1,234,567 arcs scanned   7,654 coins   peak memory 1.5 MiB
exchange    3 workers   5.0 MiB exchanged, 1.25 B an activation
            chunks: 12 list, 3 roaring, 1 dense
digest      7ce52ed66883a69ec45cdfb194a83b1634ffd8ce7ae052e004ae6314e16c5b54
";

const ONE_SIMULATION: &str = "\
job         demo   succeeded   1 simulation
graph       1,000 nodes   20,000 arcs
spread      2.00 nodes on average   0.20 % of all
            an interval needs at least two simulations
            min 2   5 % 2   median 2   95 % 2   max 2
rounds      1.00 on average   at most 1
course      peak in round 1   50 % by round 0   90 % by round 1   (medians)

round  mean new  mean total  5 %  median  95 %
    0      1.00        1.00    1       1     1  ████████████
    1      1.00        2.00    2       2     2  ████████████████████████

speed       8.00 simulations/s   0.50 s   1 thread
work        1,234,567 arcs scanned   7,654 coins
digest      ead44c5ef8e504190ba047c4a3a4fec6cba6931f6d8ea6e264849f5a5ba94e4a
";

/// Figures of the largest graph and the longest names.
fn largest() -> Summary {
    let (_, mut summary) = fixture::summary();
    let most = u64::from(u32::MAX);
    let quantiles = Quantiles { p05: most, p50: most, p95: most };
    let round = |round| GrowthRound {
        round,
        mean_new: most as f64 / 1001.0,
        mean_total: most as f64 * f64::from(round + 1) / 1001.0,
        quantiles_total: quantiles,
        quantiles_new: quantiles,
        reproduction_number: Some(1.0),
    };
    summary.growth = (0..=1000).map(round).collect();
    summary.job = kaskade_model::JobId::new("j".repeat(64)).unwrap();
    summary.graph.nodes = u32::MAX;
    summary.graph.arcs = u64::MAX;
    summary.simulations = most;
    summary.spread.mean = most as f64;
    summary.spread.confidence_interval = Some([most as f64 - 0.5, most as f64]);
    summary.spread.quantiles = quantiles;
    (summary.spread.min, summary.spread.max) = (most, most);
    let performance = &mut summary.performance;
    performance.simulations_per_second = 1e9;
    performance.seconds = 1e9;
    performance.cpu_seconds = Some(1e12);
    performance.arcs_scanned = u64::MAX;
    performance.coins = u64::MAX;
    performance.bytes_exchanged = u64::MAX;
    summary
}

#[test]
fn no_line_is_longer_than_80_columns() {
    let text = table(&largest());
    for line in text.lines() {
        assert!(columns(line) <= MAX_COLUMNS, "{line}");
        assert_eq!(line, line.trim_end());
    }
    assert!(text.contains("4,294,967,295"));
}

#[test]
fn long_curves_show_their_ends_and_say_so() {
    let text = table(&largest());
    let rows: Vec<_> = text.lines().skip_while(|line| !line.contains("mean new")).collect();
    assert_eq!(rows[1].split_whitespace().next(), Some("0"));
    assert_eq!(rows[MAX_ROUNDS].split_whitespace().next(), Some("1,000"));
    assert_eq!(rows[MAX_ROUNDS + 1], "24 of 1,001 rounds; --json has them all");
}

/// The rounds that are shown of a job with these activations, and what is said of the others.
fn shown(new_per_round: &[u64]) -> (Vec<String>, Option<String>) {
    let text = table(&Summary::new(&fixture::sample(&[new_per_round]), fixture::record()));
    let lines = text.lines().skip_while(|line| !line.contains("mean new")).skip(1);
    let lines: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    let (said, rows) = lines.split_last().unwrap();
    let first = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    match said.contains(" of ") {
        true => (rows.iter().map(|row| first(row)).collect(), Some((*said).to_owned())),
        false => (lines.iter().map(|row| first(row)).collect(), None),
    }
}

#[test]
fn rounds_in_which_nothing_happened_are_skipped() {
    let mut new = vec![0; 91];
    (0..91).step_by(10).for_each(|round| new[round] = 1 + round as u64);
    let (rounds, said) = shown(&new);
    assert_eq!(rounds, ["0", "10", "20", "30", "40", "50", "60", "70", "80", "90"]);
    assert_eq!(said.unwrap(), "10 of 91 rounds: nothing happened in the others");
    assert_eq!(shown(&[2, 1, 1]), (vec!["0".into(), "1".into(), "2".into()], None));
}

#[test]
fn the_peak_is_always_shown() {
    for peak in 1..200 {
        let mut new = vec![1; 200];
        (new[0], new[peak]) = (50, 40);
        let (rounds, said) = shown(&new);
        assert_eq!((rounds.len(), said.is_some()), (MAX_ROUNDS, true));
        assert!(rounds.contains(&peak.to_string()), "{peak}: {rounds:?}");
        assert_eq!((rounds[0].as_str(), rounds[MAX_ROUNDS - 1].as_str()), ("0", "199"));
        let numbers: Vec<u32> = rounds.iter().map(|round| round.parse().unwrap()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{peak}: {rounds:?}");
    }
}
