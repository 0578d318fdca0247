//! Cycles in a directed graph of numbered nodes.

/// One cycle for each edge that leads back into the path of a depth-first walk, each as the nodes on the way round.
/// There is at least one where the graph has any. No recursion: graphs come from files that may be anything.
pub(crate) fn cycles(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        Never,
        OnPath,
        Done,
    }
    let mut seen = vec![Seen::Never; edges.len()];
    let mut found = Vec::new();
    for start in 0..edges.len() {
        // The path so far: each node with the number of its edges that were followed.
        let mut path: Vec<(usize, usize)> = Vec::new();
        if seen.get(start) == Some(&Seen::Never) {
            path.push((start, 0));
        }
        while let Some((node, followed)) = path.last_mut() {
            let node = *node;
            let next = edges.get(node).and_then(|edges| edges.get(*followed)).copied();
            *followed += 1;
            if let Some(seen) = seen.get_mut(node) {
                *seen = if next.is_some() { Seen::OnPath } else { Seen::Done };
            }
            match next {
                None => {
                    path.pop();
                }
                Some(next) => match seen.get(next) {
                    Some(Seen::Never) => path.push((next, 0)),
                    Some(Seen::OnPath) => {
                        let way = path.iter().map(|(node, _)| *node);
                        found.push(way.skip_while(|node| *node != next).collect());
                    }
                    Some(Seen::Done) | None => {}
                },
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::cycles;

    #[test]
    fn every_cyclic_part_yields_a_cycle() {
        assert_eq!(cycles(&[vec![1], vec![2], vec![0], vec![3], vec![0]]), [vec![0, 1, 2], vec![3]]);
        assert!(cycles(&[vec![1, 2], vec![2], vec![]]).is_empty());
    }

    #[test]
    fn a_long_chain_is_walked_without_recursion() {
        let mut chain: Vec<Vec<usize>> = (1..200_000).map(|next| vec![next]).collect();
        chain.push(vec![0]);
        assert_eq!(cycles(&chain)[0].len(), 200_000);
    }
}
