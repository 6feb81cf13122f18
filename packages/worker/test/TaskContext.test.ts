// What tasks write is attributed to them, and the console is left as it was.
import { task } from "@weft/core"
import { afterEach, describe, expect, it, vi } from "vitest"
import { context, inline, threads } from "../src/index.ts"
import { captureConsole, enter, type Running } from "../src/TaskContext.ts"
import { moduleUrl, say } from "./fixtures/tasks.ts"
import { end } from "./harness.ts"

afterEach(() => {
  vi.restoreAllMocks()
})

const running = (name: string) => {
  const written: Array<string> = []
  const task: Running = {
    context: { run: "run", node: name, worker: "w", attempt: 1, signal: new AbortController().signal },
    write: (stream, text) => void written.push(`${stream}: ${text}`)
  }
  return { written, task }
}

const pause = () => new Promise((resume) => setTimeout(resume, 1))

describe("captureConsole", () => {
  it("attributes what is written to the task that writes it, also after awaits", async () => {
    const release = captureConsole()
    const [a, b] = [running("a"), running("b")]
    const talk = async () => {
      const { node } = context()
      console.log(node, 1)
      await pause()
      await Promise.all([deeper(), deeper()])
      console.error(context().node, 3)
    }
    const deeper = async () => {
      await pause()
      console.log(context().node, 2)
    }
    await Promise.all([enter(a.task, talk), enter(b.task, talk)])
    release()
    for (const [name, { written }] of [["a", a] as const, ["b", b] as const]) {
      expect(written).toEqual([
        `stdout: ${name} 1\n`,
        `stdout: ${name} 2\n`,
        `stdout: ${name} 2\n`,
        `stderr: ${name} 3\n`
      ])
    }
  })

  it("captures every way to write, formatted as usual", () => {
    const release = captureConsole()
    const { task, written } = running("a")
    enter(task, () => {
      console.log("%s is %d", "this", 5, { a: 1 })
      console.info("info")
      console.debug("debug")
      console.warn("warn")
      console.dir({ b: 2 })
      console.table([{ c: 3 }])
      console.trace("trace")
    })
    release()
    expect(written.slice(0, 5)).toEqual([
      "stdout: this is 5 { a: 1 }\n",
      "stdout: info\n",
      "stdout: debug\n",
      "stderr: warn\n",
      "stdout: { b: 2 }\n"
    ])
    expect(written[5]).toContain("c")
    expect(written[6]).toMatch(/^stderr: Trace: trace\n\s+at /)
  })

  it("leaves the console alone outside of tasks", () => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {})
    const release = captureConsole()
    console.log("outside")
    release()
    expect(log).toHaveBeenCalledExactlyOnceWith("outside")
  })

  it("leaves alone what is written by those who are told of a task's output", () => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {})
    const release = captureConsole()
    const { task } = running("a")
    const told: Array<string> = []
    const talkative: Running = {
      ...task,
      write: (_, text) => {
        told.push(text)
        console.log("told of", text.trim())
      }
    }
    enter(talkative, () => console.log("hello"))
    release()
    expect(told).toEqual(["hello\n"])
    expect(log).toHaveBeenCalledExactlyOnceWith("told of", "hello")
  })

  it("restores the console when the last user has ended, however often each says so", () => {
    const { log } = console
    const [one, other] = [captureConsole(), captureConsole()]
    expect(console.log).not.toBe(log)
    one()
    one()
    expect(console.log).not.toBe(log)
    other()
    expect(console.log).toBe(log)
  })
})

const pool = threads({ threads: 1 })
describe.each([
  { name: "inline", engine: inline() },
  { name: "threads", engine: pool }
])("on $name", ({ engine, name }) => {
  it("tells what each of several concurrent tasks writes", async () => {
    const { log } = console
    const nodes = ["a", "b", "c"].map((text) => say(text))
    const { messages, status } = await end(nodes, { engine, module: moduleUrl })
    expect(status).toBe("succeeded")
    const output = messages.filter((message) => message.type === "output")
    for (const [instance, text] of ["a", "b", "c"].entries()) {
      expect(
        output.filter((one) => one.instance === instance).map(({ stream, text }) => stream + text)
      ).toEqual([`stdout${text} before\n`, `stdout${text} after\n`, `stderr${text} at last\n`])
    }
    expect(console.log).toBe(log)
    if (name === "threads") await pool.close()
  })
})

it("is not confused by a task that is called as a function would be", () => {
  const inner = task("inner", () => 1)
  const { task: outer } = running("outer")
  expect(enter(outer, () => inner().task?.name)).toBe("inner")
})
