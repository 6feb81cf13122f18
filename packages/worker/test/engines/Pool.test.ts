// Which vessel runs what, and what becomes of workers whose vessel is silent or gone. Vessels are made by the test.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { Held } from "../../src/engines/Leases.ts"
import { Pool, type RunListener } from "../../src/engines/pool/Pool.ts"
import type { FromVessel, ToVessel } from "../../src/engines/pool/Protocol.ts"
import type { Launch, VesselListener } from "../../src/engines/pool/Vessel.ts"
import type { Invocation } from "../../src/index.ts"

const LEASE_MS = 900

/** A vessel that does what the test says. */
class Fake {
  readonly got: Array<ToVessel> = []
  readonly listener: VesselListener
  ended = false

  constructor(listener: VesselListener) {
    this.listener = listener
  }

  says(message: FromVessel) {
    this.listener.receive(message)
  }

  /** Answers what it was asked and has not answered. */
  answers() {
    for (const message of this.got.splice(0)) {
      if (message.type === "ping") this.says({ type: "pong", ping: message.ping })
      else if (message.type === "close") this.says({ type: "closed", run: message.run })
    }
  }

  /** The workers that it was sent, and their places. */
  get workers() {
    return this.got.flatMap((message) =>
      message.type === "invoke" ? [{ worker: message.invocation.worker, place: message.place }] : []
    )
  }
}

const make = async (limit: number, listener: Partial<RunListener<never, never>> = {}) => {
  const vessels: Array<Fake> = []
  const launch: Launch = (of) => {
    const vessel = new Fake(of)
    vessels.push(vessel)
    queueMicrotask(() => vessel.says({ type: "ready" }))
    const end = () => {
      vessel.ended = true
      of.ended("the test ended it")
    }
    return { send: (message) => vessel.got.push(message), end }
  }
  const pool = new Pool({ what: "vessel", limit, concurrency: limit, launch })
  const held = new Held()
  const lost = vi.fn()
  pool.open("run", {
    patienceMs: LEASE_MS,
    leases: held,
    invoke: () => {},
    receive: () => {},
    lost,
    overdue: () => {},
    ...listener
  })
  await started()
  return { pool, vessels, held: held.workers, lost }
}

/** Vessels that have just been started say that they are ready. */
const started = () => Promise.resolve()

const invocation = (worker: string): Invocation => ({
  run: "run",
  worker,
  named: false,
  work: [],
  values: [],
  spawn: []
})

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] })
})
afterEach(() => {
  vi.useRealTimers()
})

describe("places", () => {
  it("are one for each vessel; vessels start when they are needed", async () => {
    const { pool, vessels } = await make(2)
    expect(vessels).toHaveLength(1)
    pool.invoke(["a", "b", "c"].map(invocation))
    await started()
    expect(vessels.map(({ workers }) => workers.map(({ worker }) => worker))).toEqual([["a"], ["b"]])
    vessels[1]!.says({ type: "left", place: vessels[1]!.workers[0]!.place, fault: undefined })
    expect(vessels[1]!.workers.map(({ worker }) => worker)).toEqual(["b", "c"])
  })

  it("are free while their worker waits", async () => {
    const { pool, vessels } = await make(1)
    pool.invoke(["a", "b"].map(invocation))
    await started()
    expect(vessels[0]!.workers).toHaveLength(1)
    vessels[0]!.says({ type: "idle", place: vessels[0]!.workers[0]!.place })
    expect(vessels[0]!.workers).toHaveLength(2)
  })
})

describe("a vessel that is starting", () => {
  it("is one of as many as are needed and may be", async () => {
    const { pool, vessels } = await make(5)
    pool.invoke(["a", "b", "c", "d"].map(invocation))
    // "a" has a place already.
    expect(vessels).toHaveLength(4)
    pool.invoke(["e", "f", "g"].map(invocation))
    expect(vessels).toHaveLength(5)
  })

  it("gets nothing that another can have before", async () => {
    const { pool, vessels } = await make(2)
    pool.invoke(["a", "b"].map(invocation))
    expect(vessels.map(({ workers }) => workers.length)).toEqual([1, 0])
    vessels[0]!.says({ type: "left", place: vessels[0]!.workers[0]!.place, fault: undefined })
    expect(vessels[0]!.workers.map(({ worker }) => worker)).toEqual(["a", "b"])
  })

  it("takes somebody with it that waits, if it cannot", async () => {
    const { held, lost, pool, vessels } = await make(2)
    pool.invoke(["a", "b"].map(invocation))
    vessels[1]!.listener.ended("it does not start")
    expect(lost).toHaveBeenCalledWith(["b"], [], "it does not start")
    expect([...held]).toEqual(["a"])
  })
})

describe("vessels are prewarmed", () => {
  const introduced = ({ got }: Fake) =>
    got.flatMap((message) => (message.type === "prewarm" ? [message.run] : []))

  it("by starting those that are missing, and telling them of the run", async () => {
    const { pool, vessels } = await make(4)
    pool.prewarm("run", 3)
    await started()
    expect(vessels.map(introduced)).toEqual([["run"], ["run"], ["run"]])
    pool.prewarm("run", 2)
    pool.prewarm("another", 2)
    expect(vessels.map(introduced)).toEqual([["run"], ["run"], ["run"]])
  })

  it("beside those that are busy, and no more than may be", async () => {
    const { pool, vessels } = await make(3)
    pool.invoke(["a"].map(invocation))
    pool.prewarm("run", 5)
    await started()
    expect(vessels.map(introduced)).toEqual([[], ["run"], ["run"]])
  })

  it("when a worker asks for it", async () => {
    const { pool, vessels } = await make(2)
    pool.invoke(["a"].map(invocation))
    vessels[0]!.says({ type: "prewarm", run: "run", workers: 1 })
    expect(vessels.map(introduced)).toEqual([[], ["run"]])
  })
})

describe("leases are renewed from here", () => {
  it("while a worker waits for a place, and until its vessel has taken it on", async () => {
    const { held, pool, vessels } = await make(1)
    pool.invoke(["a", "b"].map(invocation))
    await started()
    expect([...held]).toEqual(["a", "b"])
    vi.advanceTimersByTime(LEASE_MS / 2)
    vessels[0]!.says({ type: "pong", ping: 0 })
    expect([...held]).toEqual(["b"])
  })

  it("until a worker has left or is lost", async () => {
    const { held, lost, pool, vessels } = await make(2)
    pool.invoke(["a", "b"].map(invocation))
    await started()
    vessels[0]!.says({ type: "left", place: vessels[0]!.workers[0]!.place, fault: undefined })
    expect([...held]).toEqual(["b"])
    vessels[1]!.listener.ended("it died")
    expect([...held]).toEqual([])
    expect(lost).toHaveBeenCalledWith(["b"], [], "it died")
  })
})

describe("a vessel that does not answer", () => {
  it("loses to others what it has not taken on, and gets nothing until it answers", async () => {
    const { lost, pool, vessels } = await make(2)
    pool.invoke(["a", "b"].map(invocation))
    await started()
    const [deaf, other] = vessels as [Fake, Fake]
    for (let ms = 0; ms < 2 * LEASE_MS; ms += LEASE_MS / 3) {
      vi.advanceTimersByTime(LEASE_MS / 3)
      for (const message of other.got) {
        if (message.type === "ping") other.says({ type: "pong", ping: message.ping })
      }
    }
    other.says({ type: "left", place: other.workers[0]!.place, fault: undefined })
    expect(other.workers.map(({ worker }) => worker)).toEqual(["b", "a"])
    pool.invoke([invocation("c")])
    expect(deaf.workers).toHaveLength(1)
    deaf.says({ type: "left", place: deaf.workers[0]!.place, fault: undefined })
    expect(deaf.workers).toHaveLength(1)
    deaf.answers()
    expect(deaf.workers.map(({ worker }) => worker)).toEqual(["c"])
    expect(lost).not.toHaveBeenCalled()
  })

  it("keeps what it has taken on", async () => {
    const { pool, vessels } = await make(1)
    pool.invoke([invocation("a")])
    vi.advanceTimersByTime(LEASE_MS / 3)
    vessels[0]!.answers()
    vi.advanceTimersByTime(3 * LEASE_MS)
    vessels[0]!.answers()
    expect(vessels[0]!.workers).toEqual([])
  })

  it("is not sent again what it takes on late after all", async () => {
    const { held, pool, vessels } = await make(1)
    pool.invoke([invocation("a")])
    const { place } = vessels[0]!.workers[0]!
    vi.advanceTimersByTime(3 * LEASE_MS)
    expect([...held]).toEqual(["a"])
    vessels[0]!.answers()
    expect([...held]).toEqual([])
    vessels[0]!.says({ type: "left", place, fault: undefined })
    expect(vessels[0]!.workers).toEqual([])
  })

  it("is not blamed if this process could not hear", async () => {
    const { pool, vessels } = await make(2)
    pool.invoke([invocation("a")])
    vi.advanceTimersByTime(LEASE_MS / 3)
    // Stands still: the timer is late.
    vi.spyOn(performance, "now").mockReturnValue(performance.now() + 10 * LEASE_MS)
    vi.advanceTimersByTime(LEASE_MS / 3)
    expect(vessels).toHaveLength(1)
    vi.restoreAllMocks()
  })

  it("when a run is closed is ended", async () => {
    const { pool, vessels } = await make(1)
    pool.invoke([invocation("a")])
    const closed = pool.close("run")
    await vi.advanceTimersByTimeAsync(999)
    expect(vessels[0]!.ended).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    await closed
    expect(vessels[0]!.ended).toBe(true)
  })
})
