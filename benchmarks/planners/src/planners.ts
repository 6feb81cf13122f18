/** The planners that are compared, with what they know of the cloud. */
import type { Behaviour, Environment, Planner } from "@weft/core"
import * as dask from "@weft/planner-dask"
import * as report2 from "@weft/planner-report2"
import { simple } from "@weft/planner-simple"
import * as uniform from "@weft/planner-uniform"
import * as wukong from "@weft/planner-wukong"
import { Baselines } from "@weft/planning"
import { CORE_MIB, MEMORY_SIZES } from "./cloud.ts"

/** A planner, and behaviours for all that it may emit. */
export interface Chosen {
  readonly planner: Planner.AnyPlanner
  readonly behaviours: ReadonlyArray<Behaviour.Behaviour>
}

/** What a planner gets that chooses no memory: the most, so that what others gain is not only that they chose more. */
const memory = MEMORY_SIZES.at(-1)!
/** Outputs of the workflows are smaller than published ones, as are their runs. */
const LARGE_BYTES = 400_000

/** By name, the simple one first: what is compared with it comes after it in each round. */
export const planners: ReadonlyMap<string, Chosen> = new Map<string, Chosen>([
  ["simple", { planner: simple({ memory }), behaviours: [] }],
  ["uniform", { planner: uniform.uniform(), behaviours: uniform.behaviours }],
  ["report2", { planner: report2.report2(), behaviours: report2.behaviours }],
  [
    "wukong",
    { planner: wukong.wukong({ memory, largeOutputBytes: LARGE_BYTES }), behaviours: wukong.behaviours }
  ],
  ["dask", { planner: dask.dask(), behaviours: dask.behaviours }],
  ["heft", { planner: Baselines.heft(), behaviours: [] }],
  ["random", { planner: Baselines.random(), behaviours: [] }],
  ["single", { planner: Baselines.single(), behaviours: [] }]
])

/** The same planner, which is told nothing of earlier runs. */
export const withoutHistory = ({ behaviours, planner }: Chosen): Chosen => ({
  behaviours,
  planner: { ...planner, usesHistory: false }
})

/** Modules of all behaviours. */
export const behaviourModules: ReadonlyArray<string> = [
  ...new Set([...planners.values()].flatMap(({ behaviours }) => behaviours.map(({ module }) => module)))
]

/** What planners are told of the cloud, beside what the engine says. */
export const environment = (start: "cold" | "warm"): Environment => ({
  memorySizes: MEMORY_SIZES,
  coreMiB: CORE_MIB,
  ...(start === "cold" ? { warm: "none" } : {})
})
