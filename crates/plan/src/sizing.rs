//! From replicas to servers and racks.

/// The racks that replicas are put into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// Accelerators of a server.
    pub gpus_per_server: u32,
    /// Servers of a rack.
    pub servers_per_rack: u32,
}

/// What a load takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizing {
    /// Replicas that the load needs.
    pub replicas: u64,
    /// Replicas beyond those.
    pub spares: u64,
    /// Accelerators of the replicas that the load needs.
    pub gpus_active: u64,
    /// Accelerators of spare replicas.
    pub gpus_spare: u64,
    /// Servers that hold replicas or parts of them, spares included.
    pub servers: u64,
    /// Racks.
    pub racks: u64,
    /// Accelerators of the racks.
    pub gpus_provisioned: u64,
}

impl Site {
    /// Accelerators of a rack.
    pub fn gpus_per_rack(&self) -> u64 {
        u64::from(self.gpus_per_server) * u64::from(self.servers_per_rack)
    }

    /// Room for a load of `load`, of which a replica takes `taken` at most and should be left `headroom` (0.2: a fifth
    /// more than the load), with spare replicas beside.
    ///
    /// replicas = ⌈load (1 + headroom) / taken⌉
    pub fn size(&self, (load, taken): (f64, f64), headroom: f64, spares: u64, gpus: u32) -> Sizing {
        // A load that a replica takes exactly must not need two because of rounding.
        let needed = (load * (1.0 + headroom) / taken - 1e-9).ceil().max(1.0);
        let replicas = needed as u64;
        let all = replicas.saturating_add(spares);
        let gpus = u64::from(gpus);
        let racks = self.racks(all, gpus);
        Sizing {
            replicas,
            spares,
            gpus_active: replicas.saturating_mul(gpus),
            gpus_spare: spares.saturating_mul(gpus),
            servers: self.servers(all, gpus),
            racks,
            gpus_provisioned: racks.saturating_mul(self.gpus_per_rack()),
        }
    }

    /// Replicas smaller than a server share one; larger ones have whole servers of their own.
    fn servers(&self, replicas: u64, gpus: u64) -> u64 {
        let each = u64::from(self.gpus_per_server);
        if gpus <= each {
            replicas.div_ceil(each / gpus)
        } else {
            replicas.saturating_mul(gpus.div_ceil(each))
        }
    }

    /// A replica stays in one rack if it fits, else it has whole racks of its own.
    fn racks(&self, replicas: u64, gpus: u64) -> u64 {
        replicas.div_ceil(self.replicas_of_rack(gpus).max(1)).saturating_mul(self.racks_of_replica(gpus))
    }

    /// Replicas that so many racks hold.
    pub fn replicas_in(&self, racks: u64, gpus: u64) -> u64 {
        match self.replicas_of_rack(gpus) {
            0 => racks / self.racks_of_replica(gpus),
            each => racks.saturating_mul(each),
        }
    }

    fn racks_of_replica(&self, gpus: u64) -> u64 {
        gpus.div_ceil(u64::from(self.gpus_per_server)).div_ceil(u64::from(self.servers_per_rack))
    }

    /// Whole replicas in a rack; none where one is larger.
    fn replicas_of_rack(&self, gpus: u64) -> u64 {
        let (each, servers) = (u64::from(self.gpus_per_server), u64::from(self.servers_per_rack));
        if gpus <= each { servers * (each / gpus) } else { servers / gpus.div_ceil(each) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NVL72: Site = Site { gpus_per_server: 4, servers_per_rack: 18 };

    #[test]
    fn hand_replicas_of_three_sizes() {
        // 1,000 users, 90 to a replica: 12. Of 2 accelerators two share a server of 4: 6 servers, one rack.
        let small = NVL72.size((1000.0, 90.0), 0.0, 0, 2);
        assert_eq!((small.replicas, small.gpus_active, small.servers, small.racks), (12, 24, 6, 1));
        // Of 16 they have 4 servers each, and 4 replicas to a rack: 3 racks of 72.
        let large = NVL72.size((1000.0, 90.0), 0.0, 0, 16);
        assert_eq!((large.servers, large.racks, large.gpus_provisioned), (48, 3, 216));
        // Of 144 each has two racks; a spare makes it 13.
        let huge = NVL72.size((1000.0, 90.0), 0.0, 1, 144);
        assert_eq!((huge.racks, huge.gpus_spare, huge.spares), (26, 144, 1));
    }

    #[test]
    fn law_racks_hold_the_replicas_that_they_are_sized_for() {
        for gpus in [1, 2, 3, 4, 8, 48, 72, 96, 144, 145] {
            for racks in 0..7 {
                let held = NVL72.replicas_in(racks, gpus);
                assert!(
                    NVL72.racks(held, gpus) <= racks && NVL72.racks(held + 1, gpus) > racks,
                    "{gpus} {racks}"
                );
            }
        }
    }

    #[test]
    fn hand_headroom_and_loads_that_fit_exactly() {
        let replicas = |load: f64, headroom| NVL72.size((load, 0.1), headroom, 0, 4).replicas;
        assert_eq!((replicas(0.3, 0.0), replicas(0.3, 0.2), replicas(0.0, 0.0)), (3, 4, 1));
    }
}
