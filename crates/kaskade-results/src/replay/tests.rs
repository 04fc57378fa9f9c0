use super::*;
use crate::fixture::Pixels;

/// Simulation 5: 30 passes it to 10 and "a&b", 10 to "x\"y"; 40 is a seed alone. And another one.
fn cascades() -> Cascades {
    let names = ["99", "30", "10", "a&b", "x\"y", "40"].map(OriginalId::from).to_vec();
    let of = |simulation, round, node, parent| Activation { simulation, round, node, parent };
    let activations = vec![
        of(4, 0, 0, None),
        of(5, 0, 1, None),
        of(5, 0, 5, None),
        of(5, 1, 2, Some(1)),
        of(5, 1, 3, Some(1)),
        of(5, 2, 4, Some(2)),
    ];
    Cascades::new(names, activations)
}

fn replay() -> Replay {
    Replay::of(&cascades(), 5).unwrap()
}

#[test]
fn one_cascade_is_taken_out() {
    assert_eq!(Replay::of(&cascades(), 6), None);
    let summary = replay().summary();
    assert_eq!((summary.size, summary.trees, summary.rounds), (5, 2, 2));
    assert_eq!((summary.depth, summary.breadth, summary.kind), (2, 2, "broadcast"));
    assert_eq!(summary.by_depth, [2, 2, 1]);
    let spreader = |node: &str, passed_to| Spreader { node: node.into(), passed_to };
    assert_eq!(summary.spreaders, [spreader("30", 2), spreader("10", 1)]);
}

#[test]
fn other_programs_read_the_tree() {
    let graphml = replay().graphml();
    assert_eq!(graphml.matches("<node ").count(), 5);
    assert_eq!(graphml.matches("<edge ").count(), 3);
    assert!(graphml.contains("a&amp;b") && graphml.contains("x&quot;y"));
    let dot = replay().dot();
    assert!(dot.contains("\"30\" -> \"a&b\";") && dot.contains("\"10\" -> \"x\\\"y\";"), "{dot}");
    assert!(dot.contains("\"40\" [round=0, shape=doublecircle];"));
}

#[test]
fn a_small_tree_is_drawn_and_a_large_one_is_refused() {
    let svg = replay().svg().unwrap();
    assert_eq!(svg.matches("<circle").count(), 5);
    assert_eq!(svg.matches("class=\"seed\"").count(), 2);
    assert_eq!(svg.matches("<path").count(), 3);
    // Leaves x"y, a&b and 40 side by side; 10 above the first, 30 above the middle of 10 and a&b.
    for place in ["cx=\"36.0\" cy=\"164.0\"", "cx=\"92.0\" cy=\"100.0\"", "cx=\"64.0\" cy=\"36.0\""]
    {
        assert!(svg.contains(place), "{place} of {svg}");
    }
    let picture = Pixels::of(&replay().png().unwrap());
    assert_eq!((picture.width, picture.height), (2 * 184, 2 * 200));
    // The same places, in pixels.
    assert_eq!(picture.at(72, 328), [0x00, 0x72, 0xb2]);
    assert_eq!(picture.at(128, 72), [0xd5, 0x5e, 0x00]);
    let n = drawing::MAX_DRAWN as u32 + 1;
    let of = |node| Activation { simulation: 0, round: 0, node, parent: None };
    let names = (0..u64::from(n)).map(OriginalId::from).collect();
    let large = Cascades::new(names, (0..n).map(of).collect());
    let error = Replay::of(&large, 0).unwrap().svg().unwrap_err().to_string();
    assert!(error.contains("1001 nodes") && error.contains("1000"), "{error}");
}

#[test]
fn nodes_of_a_drawing_do_not_lie_on_each_other() {
    // Node i hangs on i / 3: rows that become broader.
    let of = |node: u32| Activation {
        simulation: 0,
        round: node,
        node,
        parent: (node > 0).then(|| (node - 1) / 3),
    };
    let cascades =
        Cascades::new((0..200u64).map(OriginalId::from).collect(), (0..200).map(of).collect());
    let svg = Replay::of(&cascades, 0).unwrap().svg().unwrap();
    let places = svg.match_indices("<circle").map(|(at, _)| {
        let circle = &svg[at..at + svg[at..].find(" r=").unwrap()];
        circle[circle.find("cx=").unwrap()..].to_owned()
    });
    let mut places: Vec<_> = places.collect();
    places.sort();
    places.dedup();
    assert_eq!(places.len(), 200);
}
