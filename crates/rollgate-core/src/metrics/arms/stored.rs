//! ON and OFF at rest.

use super::{Side, Sides};
use crate::limits::{CLUSTERS, SAMPLES_MAX};
use crate::metrics::ArmTotals;
use crate::metrics::codec::{Damage, Out, Reader};
use crate::metrics::histogram::Dense;

const _: () = assert!(CLUSTERS == 64, "which clusters are there is written as 64 bits");

impl Side {
    fn write(&self, out: &mut Out) {
        let ArmTotals { n, sum, unkeyed } = self.totals;
        out.whole(n);
        out.whole(unkeyed);
        out.double(sum);
        [self.batch.0, self.batch.1, self.batch.2].into_iter().for_each(|part| out.double(part));
        self.values.write(out);
        let clusters = || self.n.iter().zip(&self.sum).zip(&self.by_cluster);
        let is_there =
            |n: f64, sum: f64, dense: &Dense| n.to_bits() != 0 || sum.to_bits() != 0 || !dense.is_empty();
        let there = clusters()
            .zip(0..)
            .filter(|(((n, sum), dense), _)| is_there(**n, **sum, dense))
            .fold(0_u64, |bits, (_, place)| bits | 1 << place);
        out.whole(there.swap_bytes());
        for ((n, sum), dense) in clusters().filter(|((n, sum), dense)| is_there(**n, **sum, dense)) {
            out.double(*n);
            out.double(*sum);
            dense.write(out);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Damage> {
        let mut side = Self::new();
        let n = reader.whole_up_to(SAMPLES_MAX)?;
        let unkeyed = reader.whole_up_to(n)?;
        side.totals = ArmTotals { n, unkeyed, sum: reader.double()? };
        side.batch = (reader.double()?, reader.double()?, reader.double()?);
        side.values = Dense::read(reader, n)?;
        let there = reader.whole()?.swap_bytes();
        let clusters = side.n.iter_mut().zip(&mut side.sum).zip(&mut side.by_cluster);
        for (place, ((samples, sum), dense)) in clusters.enumerate() {
            if there >> place & 1 == 1 {
                *samples = reader.double()?;
                *sum = reader.double()?;
                *dense = Dense::read(reader, n)?;
            }
        }
        Ok(side)
    }
}

impl Sides {
    pub(in crate::metrics) fn write(&self, out: &mut Out) {
        let pair = &self.pair;
        out.time(pair.since);
        out.whole(pair.drops);
        out.whole(pair.batched);
        for part in [pair.s, pair.v, pair.h, pair.s_on, pair.s_off, pair.v_on, pair.v_off] {
            out.double(part);
        }
        self.on.write(out);
        self.off.write(out);
    }

    pub(in crate::metrics) fn read(reader: &mut Reader<'_>) -> Result<Self, Damage> {
        let mut sides = Self::new(reader.time()?);
        let pair = &mut sides.pair;
        pair.drops = reader.whole()?;
        pair.batched = reader.whole()?;
        for part in [
            &mut pair.s,
            &mut pair.v,
            &mut pair.h,
            &mut pair.s_on,
            &mut pair.s_off,
            &mut pair.v_on,
            &mut pair.v_off,
        ] {
            *part = reader.double()?;
        }
        sides.on = Side::read(reader)?;
        sides.off = Side::read(reader)?;
        Ok(sides)
    }
}
