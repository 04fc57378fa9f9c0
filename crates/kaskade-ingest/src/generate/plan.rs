//! What a person asks of a generator, checked and completed.

use kaskade_model::spec::{GenerateSpec, GeneratorKind, SpecError};

use super::ArcGenerator;
use super::barabasi_albert::BarabasiAlbert;
use super::erdos_renyi::ErdosRenyi;
use super::rmat::{Quadrants, Rmat};

/// Arcs drawn per node where a spec does not say.
pub const DEFAULT_EDGE_FACTOR: f64 = 16.0;

/// Ids are dense `u32`; a graph of 2³² nodes would have one too many.
const MAX_SCALE: u32 = 31;

/// Arc numbers stay far from where draws would wrap.
const MAX_ARCS: u64 = 1 << 48;

/// The generator of `spec`.
///
/// # Errors
/// [`SpecError`] names the key and what it accepts.
pub(super) fn plan(spec: &GenerateSpec) -> Result<Box<dyn ArcGenerator>, SpecError> {
    let n_nodes = n_nodes(spec)?;
    if spec.kind != GeneratorKind::Rmat && [spec.a, spec.b, spec.c] != [None; 3] {
        return Err(SpecError::new("generate.a", "and `b`, `c` are quadrants of rmat only"));
    }
    Ok(match spec.kind {
        GeneratorKind::Rmat => {
            if !n_nodes.is_power_of_two() {
                let reason = format!("is {n_nodes}, and rmat has 2^scale nodes: give `scale`");
                return Err(SpecError::new("generate.nodes", reason));
            }
            let n_arcs = n_arcs(spec, n_nodes)?;
            Box::new(Rmat::new(n_nodes.ilog2(), n_arcs, quadrants(spec)?, spec.seed))
        }
        GeneratorKind::ErdosRenyi => {
            let n_arcs = n_arcs(spec, n_nodes)?;
            if n_nodes == 1 && n_arcs > 0 {
                return Err(SpecError::new("generate.arcs", "need two nodes to run between"));
            }
            Box::new(ErdosRenyi::new(n_nodes, n_arcs, spec.seed))
        }
        GeneratorKind::BarabasiAlbert => {
            Box::new(BarabasiAlbert::new(n_nodes, n_follows(spec, n_nodes)?, spec.seed))
        }
    })
}

fn n_nodes(spec: &GenerateSpec) -> Result<u32, SpecError> {
    match (spec.scale, spec.nodes) {
        (Some(scale), None) if scale <= MAX_SCALE => Ok(1 << scale),
        (Some(scale), None) => {
            let reason = format!("is {scale}: use 0 to {MAX_SCALE}");
            Err(SpecError::new("generate.scale", reason))
        }
        (None, Some(nodes)) => match u32::try_from(nodes) {
            Ok(n_nodes @ 1..) => Ok(n_nodes),
            _ => {
                let reason = format!("is {nodes}: use 1 to {}", u32::MAX);
                Err(SpecError::new("generate.nodes", reason))
            }
        },
        (Some(_), Some(_)) => {
            Err(SpecError::new("generate.scale", "and `nodes` both say the size: give one"))
        }
        (None, None) => Err(SpecError::new("generate.scale", "or `nodes` is missing: give one")),
    }
}

fn n_arcs(spec: &GenerateSpec, n_nodes: u32) -> Result<u64, SpecError> {
    match (spec.edge_factor, spec.arcs) {
        (Some(_), Some(_)) => Err(edge_factor_and_arcs()),
        (None, Some(arcs)) if arcs > MAX_ARCS => {
            Err(SpecError::new("generate.arcs", format!("is {arcs}: use at most 2^48")))
        }
        (None, Some(arcs)) => Ok(arcs),
        (edge_factor, None) => {
            let edge_factor = edge_factor.unwrap_or(DEFAULT_EDGE_FACTOR);
            let n_arcs = (edge_factor * f64::from(n_nodes)).round();
            if !(0.0..=MAX_ARCS as f64).contains(&n_arcs) {
                let reason = format!("is {edge_factor}: use 0 or more, and at most 2^48 arcs");
                return Err(SpecError::new("generate.edge_factor", reason));
            }
            Ok(n_arcs as u64)
        }
    }
}

/// How many nodes each new node of a Barabási–Albert graph follows.
fn n_follows(spec: &GenerateSpec, n_nodes: u32) -> Result<u64, SpecError> {
    if spec.arcs.is_some() {
        let reason = "cannot be set for barabasi-albert: \
                      `edge_factor` says how many nodes each node follows";
        return Err(SpecError::new("generate.arcs", reason));
    }
    let edge_factor = spec.edge_factor.unwrap_or(DEFAULT_EDGE_FACTOR);
    let most = (MAX_ARCS / u64::from(n_nodes)) as f64;
    if !(1.0..=most).contains(&edge_factor) || edge_factor.fract() != 0.0 {
        let reason =
            format!("is {edge_factor}: barabasi-albert takes a whole number from 1 to {most}");
        return Err(SpecError::new("generate.edge_factor", reason));
    }
    Ok(edge_factor as u64)
}

fn edge_factor_and_arcs() -> SpecError {
    SpecError::new("generate.edge_factor", "and `arcs` both say how many arcs: give one")
}

/// What decimal fractions that should sum to 1 may exceed it by.
const SUM_TOLERANCE: f64 = 1e-9;

fn quadrants(spec: &GenerateSpec) -> Result<Quadrants, SpecError> {
    let defaults = Quadrants::GRAPH500;
    let quadrants = Quadrants {
        a: spec.a.unwrap_or(defaults.a),
        b: spec.b.unwrap_or(defaults.b),
        c: spec.c.unwrap_or(defaults.c),
    };
    let Quadrants { a, b, c } = quadrants;
    for (key, value) in [("generate.a", a), ("generate.b", b), ("generate.c", c)] {
        if !(0.0..=1.0).contains(&value) {
            return Err(SpecError::new(key, format!("is {value}: use a number in [0, 1]")));
        }
    }
    if a + b + c > 1.0 + SUM_TOLERANCE {
        let reason = format!("+ b + c is {}, more than 1", a + b + c);
        return Err(SpecError::new("generate.a", reason));
    }
    Ok(quadrants)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(kind: GeneratorKind) -> GenerateSpec {
        GenerateSpec {
            kind,
            scale: None,
            nodes: None,
            edge_factor: None,
            arcs: None,
            seed: 1,
            a: None,
            b: None,
            c: None,
        }
    }

    fn key(spec: &GenerateSpec) -> std::borrow::Cow<'static, str> {
        plan(spec).map(|_| ()).unwrap_err().key
    }

    #[test]
    fn sizes_have_defaults() {
        use GeneratorKind as K;
        let size = |spec: GenerateSpec| {
            let generator = plan(&spec).unwrap();
            (generator.n_nodes(), generator.n_arcs())
        };
        assert_eq!(size(GenerateSpec { scale: Some(10), ..spec(K::Rmat) }), (1024, 16 << 10));
        assert_eq!(size(GenerateSpec { nodes: Some(1), ..spec(K::Rmat) }), (1, 16));
        let two = GenerateSpec { nodes: Some(100), edge_factor: Some(2.5), ..spec(K::ErdosRenyi) };
        assert_eq!(size(two), (100, 250));
        let none = GenerateSpec { nodes: Some(1), arcs: Some(0), ..spec(K::ErdosRenyi) };
        assert_eq!(size(none), (1, 0));
        assert_eq!(size(GenerateSpec { nodes: Some(11), ..spec(K::BarabasiAlbert) }), (11, 160));
    }

    #[test]
    fn contradictions_and_excess_name_their_key() {
        use GeneratorKind as K;
        let rmat = |change: fn(&mut GenerateSpec)| {
            let mut spec = GenerateSpec { scale: Some(4), ..spec(K::Rmat) };
            change(&mut spec);
            key(&spec)
        };
        assert_eq!(key(&spec(K::Rmat)), "generate.scale");
        assert_eq!(rmat(|spec| spec.nodes = Some(16)), "generate.scale");
        assert_eq!(rmat(|spec| spec.scale = Some(32)), "generate.scale");
        assert_eq!(rmat(|spec| (spec.scale, spec.nodes) = (None, Some(5))), "generate.nodes");
        assert_eq!(rmat(|spec| (spec.scale, spec.nodes) = (None, Some(0))), "generate.nodes");
        assert_eq!(rmat(|spec| (spec.scale, spec.nodes) = (None, Some(1 << 32))), "generate.nodes");
        assert_eq!(
            rmat(|spec| (spec.edge_factor, spec.arcs) = (Some(1.0), Some(1))),
            "generate.edge_factor"
        );
        for bad in [-1.0, f64::NAN, f64::INFINITY, 1e40] {
            let spec =
                GenerateSpec { nodes: Some(9), edge_factor: Some(bad), ..spec(K::ErdosRenyi) };
            assert_eq!(key(&spec), "generate.edge_factor", "{bad}");
        }
        assert_eq!(rmat(|spec| spec.arcs = Some(u64::MAX)), "generate.arcs");
        assert_eq!(rmat(|spec| spec.a = Some(f64::NAN)), "generate.a");
        assert_eq!(rmat(|spec| spec.b = Some(0.5)), "generate.a", "a + b + c = 1.26");
        assert_eq!(rmat(|spec| spec.c = Some(-0.1)), "generate.c");
    }

    #[test]
    fn families_refuse_what_is_not_theirs() {
        use GeneratorKind as K;
        let ten = |kind| GenerateSpec { nodes: Some(10), ..spec(kind) };
        let albert = || ten(K::BarabasiAlbert);
        assert_eq!(key(&GenerateSpec { a: Some(0.1), ..ten(K::ErdosRenyi) }), "generate.a");
        assert_eq!(key(&GenerateSpec { arcs: Some(10), ..albert() }), "generate.arcs");
        for bad in [0.0, 2.5, f64::NAN, f64::INFINITY] {
            let spec = GenerateSpec { edge_factor: Some(bad), ..albert() };
            assert_eq!(key(&spec), "generate.edge_factor", "{bad}");
        }
        assert_eq!(key(&GenerateSpec { nodes: Some(1), ..ten(K::ErdosRenyi) }), "generate.arcs");
    }
}
