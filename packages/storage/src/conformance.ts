/**
 * The suites that every adapter passes. An adapter's test calls them with its name and its layer:
 *
 * ```ts
 * import { history } from "@weft/storage/conformance"
 *
 * history("my history", MyHistory.layer)
 * ```
 *
 * Every test uses runs of its own under random ids and removes them, so that a server may be shared. Tests run on the
 * clock that the layer brings, the real one if it brings none; how a store's time passes is a capability. What a store
 * cannot do it declares with a reason, which stands in the names of the tests that are skipped. The invariants in the
 * names are those of `Coordination`.
 */
import { layer } from "@effect/vitest"
import type * as Layer from "effect/Layer"
import type { Coordination } from "./Coordination.ts"
import { beginning } from "./conformance/Beginning.ts"
import type {
  CoordinationCapabilities,
  HistoryCapabilities,
  ObjectStoreCapabilities,
  StreamsCapabilities
} from "./conformance/Capabilities.ts"
import { completing } from "./conformance/Completing.ts"
import { ending } from "./conformance/Ending.ts"
import { histories } from "./conformance/Histories.ts"
import { Kit } from "./conformance/Kit.ts"
import { leases } from "./conformance/Leases.ts"
import { measured } from "./conformance/Measured.ts"
import { messages } from "./conformance/Messages.ts"
import { named } from "./conformance/Named.ts"
import { objects } from "./conformance/Objects.ts"
import { streams as streamTests } from "./conformance/Streams.ts"
import { values } from "./conformance/Values.ts"
import type { History } from "./History.ts"
import type { ObjectStore } from "./ObjectStore.ts"
import type { Streams } from "./Streams.ts"

export type {
  CoordinationCapabilities,
  HistoryCapabilities,
  ObjectStoreCapabilities,
  Skipped,
  StreamsCapabilities
} from "./conformance/Capabilities.ts"

/** Registers the tests of a store of runs. */
export const coordination = <E>(
  name: string,
  store: Layer.Layer<Coordination, E>,
  capabilities: CoordinationCapabilities
): void =>
  layer(store, { excludeTestServices: true })(name, (it) => {
    const kit = new Kit(it, capabilities)
    completing(kit)
    leases(kit)
    beginning(kit)
    named(kit)
    values(kit)
    ending(kit)
    messages(kit)
  })

/** Registers the tests of a store of objects. */
export const objectStore = <E>(
  name: string,
  store: Layer.Layer<ObjectStore, E>,
  capabilities: ObjectStoreCapabilities
): void => layer(store, { excludeTestServices: true })(name, (it) => objects(it, capabilities))

/** Registers the tests of a store of streams. */
export const streams = <E>(
  name: string,
  store: Layer.Layer<Streams, E>,
  capabilities: StreamsCapabilities
): void => layer(store, { excludeTestServices: true })(name, (it) => streamTests(it, capabilities))

/** Registers the tests of a history. */
export const history = <E>(
  name: string,
  store: Layer.Layer<History, E>,
  capabilities: HistoryCapabilities
): void =>
  layer(store, { excludeTestServices: true })(name, (it) => {
    histories(it, capabilities)
    measured(it, capabilities)
  })
