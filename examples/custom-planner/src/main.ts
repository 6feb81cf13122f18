import { deepStrictEqual } from "node:assert"
import { submit } from "weft"
import { pace, polite } from "./planner.ts"
import dictionary, { words } from "./workflow.ts"

await using handle = await submit(dictionary, {
  engine: "threads",
  planner: polite({ tasks: ["lookUp"], pauseMs: 20 }),
  behaviours: [pace]
})

const entries = await handle.result()
for (const { found, letters } of entries) {
  console.log(`${found.word.padEnd(8)} ${found.meaning} (${letters} letters; asked by ${found.askedBy})`)
}

const { notes, planner } = await handle.summary()
console.log(`\nThe planner "${planner}" says: ${notes.join("; ")}.`)

deepStrictEqual(
  entries.map(({ found }) => [found.word, found.askedBy]),
  words.map((word) => [word, "polite"])
)
console.log("All lookups were made by the one worker that may make them.")
