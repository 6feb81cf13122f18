// What is published works where nothing else is: packed, installed with npm in an empty project, run with plain Node.js.
import { spawn } from "node:child_process"
import { globSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

const root = dirname(import.meta.dirname)
const folder = mkdtempSync(join(tmpdir(), "weft-packed-"))
const project = join(folder, "project")

interface Manifest {
  readonly name: string
  readonly private?: boolean
}

/** The pinned Node.js first, whatever started these tests, and nothing that says where the workspace is. */
const { INIT_CWD: _, NODE_OPTIONS: __, NODE_PATH: ___, ...rest } = process.env
const env = {
  ...Object.fromEntries(
    Object.entries(rest).filter(([name]) => !/^(npm_(package|lifecycle)|VITEST)/.test(name))
  ),
  PATH: [dirname(process.execPath), process.env.PATH].join(process.platform === "win32" ? ";" : ":"),
  NO_COLOR: "1"
}

const execute = (command: string, args: ReadonlyArray<string>, cwd: string) =>
  new Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>(
    (resolve, reject) => {
      const child = spawn(command, args, { cwd, env, shell: process.platform === "win32" })
      let stdout = ""
      let stderr = ""
      child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
      child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
      child.on("error", reject).on("close", (code) => resolve({ code, stdout, stderr }))
    }
  )

/** Runs a command that must succeed. */
const succeed = async (command: string, args: ReadonlyArray<string>, cwd: string): Promise<string> => {
  const { code, stderr, stdout } = await execute(command, args, cwd)
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${stdout}${stderr}`)
  return stdout
}

const node = (...args: ReadonlyArray<string>) => execute(process.execPath, args, project)
const bin = (name: string) => join(root, "node_modules/.bin", name)

/** The same workflow in JavaScript and in TypeScript. */
const workflow = (types: boolean) => `
import { each, run, task, workflow } from "weft"

export const words = task("words", (text${types ? ": string" : ""}) => text.split(" "))
export const size = task("size", (word${types ? ": string" : ""}) => word.length)
export const sum = task("sum", (sizes${types ? ": ReadonlyArray<number>" : ""}) => sizes.reduce((a, b) => a + b, 0))

const flow = workflow(import.meta, (text${types ? ": string" : ""} = "to be or not to be") =>
  sum(each(words(text), (word) => size(word))))
export default flow

if (import.meta.main) {
  console.log(await run(flow, { engine: "inline" }), await run(flow, { engine: "threads", input: "weft" }))
}
`

beforeAll(async () => {
  await succeed(bin("tsc"), ["-b"], root)
  const manifests = globSync("packages/*/package.json", { cwd: root }).map((file) => ({
    cwd: join(root, dirname(file)),
    ...(JSON.parse(readFileSync(join(root, file), "utf8")) as Manifest)
  }))
  const published = manifests.filter((manifest) => manifest.private !== true)
  const tarballs = published.map(
    ({ name }) => [name, join(folder, `${name.replaceAll(/\W/g, "-")}.tgz`)] as const
  )
  await Promise.all(
    published.map(({ cwd }, i) => succeed(bin("pnpm"), ["pack", "--out", tarballs[i]![1]], cwd))
  )
  mkdirSync(project)
  const dependencies = Object.fromEntries(tarballs.map(([name, file]) => [name, `file:${file}`]))
  writeFileSync(
    join(project, "package.json"),
    JSON.stringify({ name: "project", version: "1.0.0", private: true, type: "module", dependencies })
  )
  writeFileSync(join(project, "flow.mjs"), workflow(false))
  writeFileSync(join(project, "flow.ts"), workflow(true))
  await succeed("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"], project)
}, 300_000)

// Thousands of files: on a busy disk that takes longer than hooks are given otherwise.
afterAll(() => rm(folder, { recursive: true }), 300_000)

describe("the installed packages", () => {
  it.each(["flow.mjs", "flow.ts"])("run a workflow on inline and on threads: %s", async (file) => {
    expect(await node(file)).toEqual({ code: 0, stdout: "13 4\n", stderr: "" })
  })

  it.each([
    ["flow.mjs", "inline"],
    ["flow.mjs", "threads"],
    ["flow.ts", "inline"],
    ["flow.ts", "threads"]
  ])("run a workflow by the command weft: %s on %s", async (file, engine) => {
    const command = join(project, "node_modules/.bin/weft")
    const ended = await execute(
      command,
      ["run", file, "--engine", engine, "--quiet", "--input", '"a bcd"'],
      project
    )
    expect(ended).toEqual({ code: 0, stdout: "4\n", stderr: "" })
  })

  it("say what went wrong with the user's own line", async () => {
    writeFileSync(
      join(project, "failing.mjs"),
      'import { run, task } from "weft"\nexport const fail = task("fail", () => {\n  throw new Error("no")\n})\n' +
        "if (import.meta.main) {\n  for (const engine of ['inline', 'threads'])\n" +
        "    await run(fail(), { engine, module: import.meta.url }).catch((error) => console.log(error.message))\n}\n"
    )
    const { stdout } = await node("failing.mjs")
    expect(stdout.match(/Error: no\n\s+at .*failing\.mjs:3:9/g)).toHaveLength(2)
  })

  it("can all be imported, with what they export", async () => {
    const { stdout } = await node(
      "--input-type=module",
      "--eval",
      `const { dependencies } = JSON.parse(await (await import("node:fs/promises")).readFile("package.json", "utf8"))
       for (const name of Object.keys(dependencies)) console.log(name, Object.keys(await import(name)).length > 0)`
    )
    expect(
      stdout
        .trim()
        .split("\n")
        .every((line) => line.endsWith(" true"))
    ).toBe(true)
  })

  it("have types that a strict project compiles with", async () => {
    const settings = {
      compilerOptions: {
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        target: "ES2024",
        module: "NodeNext",
        lib: ["ESNext"],
        types: ["node"],
        typeRoots: [join(root, "node_modules/@types")],
        skipLibCheck: true
      },
      files: ["flow.ts"]
    }
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify(settings))
    expect(await succeed(bin("tsc"), ["-p", "tsconfig.json"], project)).toBe("")
  })
})
