/**
 * Workflows: what a module exports by default so that it can be run by file.
 */
import type { StandardSchemaV1 } from "effect/StandardSchema"

/** Checks and types a workflow's input: any Standard Schema (Zod, Valibot, ArkType, Effect's `toStandardSchemaV1`). */
export type InputSchema<In, I = In> = StandardSchemaV1<In, I>

/** What a workflow may say about itself. */
export interface WorkflowOptions<In, I = In> {
  /** Shown in summaries and listings. Default: the file's name. */
  readonly name?: string
  /** Checks the input before anything runs. Without it the input is passed on as it is. */
  readonly input?: InputSchema<In, I>
}

/**
 * A workflow: builds, from an input, the nesting of nodes whose values are wanted. `In` is what is passed when it is
 * run, `I` what the schema makes of it.
 */
export interface Workflow<in In, out Out, in I = In> {
  readonly "~workflow": true
  readonly name: string
  /** The URL of the module whose exports are the tasks. */
  readonly module: string
  readonly input: StandardSchemaV1 | undefined
  readonly build: (input: I) => Out
  /** @internal Only in types: the input before the schema. */
  readonly "~input"?: (input: In) => void
}

/** Any workflow. */
// biome-ignore lint/suspicious/noExplicitAny: inputs are contravariant, and this stands for all of them
export type AnyWorkflow = Workflow<any, unknown, any>

/**
 * Defines a workflow.
 *
 * ```ts
 * export const count = task("count", (chunk: string) => chunk.split(/\s+/).length)
 * export const sum = task("sum", (counts: number[]) => counts.reduce((a, b) => a + b, 0))
 *
 * export default workflow(import.meta, (texts: string[]) => sum(texts.map((text) => count(text))))
 * ```
 *
 * @param meta the module's `import.meta`: workers import that module to find the tasks among its exports
 * @param build called once for a run; calls tasks and returns any nesting of nodes
 */
export const workflow = <Out, I = undefined, In = I>(
  meta: { readonly url: string },
  build: (input: I) => Out,
  options: WorkflowOptions<In, I> = {}
): Workflow<In, Out, I> => ({
  "~workflow": true,
  name: options.name ?? nameOf(meta.url),
  module: meta.url,
  input: options.input,
  build
})

const nameOf = (url: string) =>
  decodeURIComponent(new URL(url).pathname.split("/").at(-1) ?? url).replace(/\.[^.]*$/, "")

/** Whether a value is a workflow. */
export const isWorkflow = (value: unknown): value is AnyWorkflow =>
  typeof value === "object" && value !== null && "~workflow" in value
