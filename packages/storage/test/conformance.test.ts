// The suites on the adapters in memory.
import { CoordinationMemory, History, ObjectStore, StreamsMemory } from "@weft/storage"
import { coordination, history, objectStore, streams } from "@weft/storage/conformance"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"

coordination("CoordinationMemory", Layer.provideMerge(CoordinationMemory.layer, TestClock.layer()), {
  time: { leaseMs: 10_000, elapse: (ms) => TestClock.adjust(ms) },
  usage: true,
  messages: true
})

objectStore("ObjectStore.layerMemory", ObjectStore.layerMemory, { largeBytes: 8 * 2 ** 20, usage: true })

history("History.layerMemory", Layer.provideMerge(History.layerMemory, TestClock.layer()), {
  time: { batchesMs: 86_400_000, elapse: (ms) => TestClock.adjust(ms) },
  pruning: true
})

streams("StreamsMemory", Layer.provideMerge(StreamsMemory.layer, TestClock.layer()), {
  time: { elapse: (ms) => TestClock.adjust(ms) },
  usage: true
})
