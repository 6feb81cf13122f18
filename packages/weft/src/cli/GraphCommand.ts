/**
 * `weft graph`: draws a workflow's graph, without running it.
 */
import { extname } from "node:path"
import { Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type DrawFormat, draw } from "../draw/Draw.ts"
import { explained } from "./Explain.ts"
import * as Input from "./Input.ts"
import * as Result from "./Result.ts"
import { file, input } from "./RunCommand.ts"
import * as Session from "./Session.ts"
import * as WorkflowFile from "./WorkflowFile.ts"

const flags = {
  file,
  input,
  format: Flag.Literals("format", ["svg", "dot", "mermaid"]).pipe(
    Flag.withAlias("f"),
    Flag.withDescription("A picture, or text for Graphviz or Mermaid (default: as --out ends, else svg)"),
    Flag.optional
  ),
  out: Flag.String("out").pipe(
    Flag.withAlias("o"),
    Flag.withMetavar("FILE"),
    Flag.withDescription("Write to a file instead of stdout: .svg, .dot or .gv, .mmd or .mermaid"),
    Flag.optional
  ),
  group: Flag.Boolean("group").pipe(
    Flag.withDescription(
      "Let like nodes share a box; --no-group: never (default: if there are more than 200)"
    ),
    Flag.optional
  )
}

/** The command. */
export const graphCommand = Command.make("graph", flags, (options) =>
  Effect.scoped(
    graph({
      file: options.file,
      input: Option.getOrUndefined(options.input),
      format: Option.getOrUndefined(options.format),
      out: Option.getOrUndefined(options.out),
      group: Option.getOrUndefined(options.group)
    })
  ).pipe(explained)
).pipe(
  Command.withShortDescription("Draw a workflow's graph"),
  Command.withDescription("Draws the graph that a workflow builds from an input. Nothing is run."),
  Command.withExamples([
    { command: "weft graph flow.ts --out graph.svg", description: "A picture" },
    {
      command: `weft graph flow.ts --input '{"pages": 3}' --format mermaid`,
      description: "Text for a README"
    },
    {
      command: "weft graph flow.ts --no-group > graph.svg",
      description: "A box for each node, however many there are"
    }
  ])
)

interface Options {
  readonly file: string
  readonly input: string | undefined
  readonly format: DrawFormat | undefined
  readonly out: string | undefined
  readonly group: boolean | undefined
}

const byEnding: Readonly<Record<string, DrawFormat>> = {
  ".svg": "svg",
  ".dot": "dot",
  ".gv": "dot",
  ".mmd": "mermaid",
  ".mermaid": "mermaid"
}

const graph = Effect.fnUntraced(function* ({ file, format, group, input, out }: Options) {
  const given = yield* Input.parse(input)
  yield* Result.checkFile(out)
  const session = yield* Session.open(true)
  const job = yield* WorkflowFile.job(file, given)
  const chosen = format ?? byEnding[extname(out ?? "").toLowerCase()] ?? "svg"
  const text = yield* Effect.tryPromise({
    try: () => draw(job.graph, chosen, group === undefined ? {} : { group }),
    catch: (error) => error
  })
  if (out === undefined) yield* Effect.promise(() => session.stdout(text))
  else yield* Result.writeFile(out, () => text)
})
