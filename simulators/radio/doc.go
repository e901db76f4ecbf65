// Package radio makes recordings of UHF readers at dock doors, with the truth of what went through them.
//
// Record draws the goods and the ways of a Setting, moves them through a site of doors side by side, and works out what each
// reader hears: the link budget to every tag, then the Gen2 inventory over the tags that the field wakes. Nothing decides
// that a tag "is read at the door": a read happens where the physics and the protocol let it, also from the next door and
// from a pallet that stands near. The same call gives the same recording, to the byte, on the same processor architecture.
//
// The road through it: settings.go and script.go say who moves when (bodies with ways), goods.go what is on a pallet,
// site.go where antennas and walls are, channel.go the field at a tag and the answer's strength and phase, gen2.go one
// inventory round, reader.go a reader's turns over its antennas and channels, beam.go the photocells, shift.go the run.
//
// # The model and where its figures are from
//
// Coordinates in metres: x along the wall, y from outside (−) to inside (+), z up. Each door is 3 m wide; antennas 1 and 3
// look across it on the inside of the wall, 2 and 4 on the outside.
//
//   - Power: 2 W e.r.p. = 35.2 dBm EIRP in 865.7, 866.3, 866.9 and 867.5 MHz (ETSI EN 302 208), or 36 dBm EIRP over 50
//     channels of 902–928 MHz (47 CFR 15.247). Antennas: patch, 6 dBic, 70° beam, back lobe −17 dB, circular: 3 dB to a
//     linear tag, both ways (usual data sheets of portal antennas).
//   - The field at a tag is a sum of fields, not of decibels: the direct ray (Friis), the floor's reflection (of the 3-ray
//     model that Muehlmann et al. 2009, "Modeling and Performance Characterization of UHF RFID Portal Applications", IEEE
//     Trans. MTT 57(7), found to fit portals), and what the surroundings scatter: 8 plane waves per antenna, which fade
//     over half a wavelength and, by their delays, over frequency (Clarke's model). The scattered power follows room
//     electromagnetics (Andersen et al. 2007, IEEE Antennas and Propagation Magazine 49(2)): 0.8 W radiated into some
//     1,000 m² of absorption gives about −18 dBm at a tag, here falling slowly with distance; goods beside a tag scatter
//     some 8 dB below the direct ray. So fading is Rician in the beam and Rayleigh behind goods and beside the beam.
//     Where nothing moves, it stands still; while a load moves near, some of the waves turn.
//   - Shadowing: log-normal, 2.5 dB, correlated over about a metre of way. Goods attenuate the direct ray by the length of
//     its way through the load, up to what bends round it; scattered fields by the depth of the tag.
//   - Tags: half-wave dipoles; chips that wake at −18 to −20 dBm (Monza R6, UCODE 7/8 and Higgs-3 data sheets, less what a
//     label loses); gain penalty by what they stick on, 5–15 dB on liquids and 10–20 dB on metal (Griffin, Durgin et al.
//     2006, "RF tag antenna performance on various materials using radio link budgets", IEEE AWPL 5, found more than 20 dB
//     of both ways together); 3 of 1,000 are dead.
//   - The answer: the same path back (Griffin and Durgin 2009, "Complete Link Budgets for Backscatter-Radio and RFID
//     Systems", IEEE Antennas and Propagation Magazine 51(2)) less 6 dB of modulation; the reader hears down to −80 dBm, 6 dB
//     less while its neighbour is on the same channel; RSSI with 1 dB of noise in steps of 0.5 dB; phase = 4πd/λ + the
//     cable's + the tag's, of the whole field, with noise that grows as the answer weakens.
//   - Gen2 (EPCglobal Class-1 Generation-2 v2, §6.3): times of commands and answers follow from Tari, link frequency and
//     Miller factor; slotted ALOHA with the adaptive Q of annex D; the flags of sessions 0 to 2 with their persistence;
//     capture of a much stronger answer. One reader serves its four antennas in turn for 100–200 ms each. A tag that
//     hears another reader nearly as loud misses one query in three.
//   - Goods move as people and forklifts do: 0.5–1.5 and 1–3 m/s, with acceleration, stops and turns. Pallets
//     stand 1.8 to 6 m from the door before or after, or outside in a trailer.
//
// Figures without a source here are estimates of what is usual: the floor's echo, what goods beside a tag scatter, the
// attenuation of the wares and walls, shadowing, capture, the queries that a second reader drowns, and how often people stop,
// turn back and walk through.
//
// What published portals show, as a measure of honesty (not a target): in the open ESIGELEC recording 70 % of the reads
// are outside the photocells' windows, and so some 12 per tag and pass within; METRO's dock doors read 98.5 % of the tags (2007);
// of the tagged cases on a pallet that drives through a portal 25 % are read with bottled water in them and 81 % with rice,
// and of every fourth load of empty boxes not all (Clarke, Twede et al. 2006, Packaging Technology and Science 19). Chips of
// today wake at some 8 dB less than those of that study.
//
// Not modelled: reader clocks that are wrong, the ambiguity of half a turn in some readers' phases, tags that touch one
// another, standing pallets that shade each other.
package radio
