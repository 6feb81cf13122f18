/** An S3 server that answers as a test wants, and shows what it was asked. All else goes to one that works. */
import { once } from "node:events"
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { buffer } from "node:stream/consumers"
import { ObjectStoreS3, type S3Options } from "@weft/storage-s3"
import { startS3 } from "@weft/testing"

export const BUCKET = "weft-test"

/** What was asked. */
export interface Asked {
  readonly method: string
  /** The object's name, decoded; empty for the bucket. */
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage["headers"]
  /** When the connection has ended. */
  readonly closed: () => Promise<void>
}

/**
 * What to do about a request: let it through; answer something else; never answer; end the connection; or answer what the
 * server says, with its body changed, or cut after so many bytes.
 */
export type Action =
  | undefined
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body: string }
  | "hang"
  | "reset"
  | { readonly change: (body: Buffer) => Buffer }
  | { readonly cutAt: number }

/** An error as S3 says it. */
export const s3Error = (status: number, code: string, message = `said ${code}`, headers = {}): Action => ({
  status,
  headers: { "content-type": "application/xml", ...headers },
  body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`
})

export interface S3Proxy extends AsyncDisposable {
  readonly options: S3Options
  readonly asked: Array<Asked>
  /** Uploads of parts that were begun, and neither completed nor aborted: names by id. */
  readonly uploads: Map<string, string>
  /** Decides about each request. */
  act: (asked: Asked) => Action | Promise<Action>
}

export const startS3Proxy = async (): Promise<S3Proxy> => {
  const s3 = await startS3()
  await s3.createBucket(BUCKET)
  const server = createServer((incoming, outgoing) => {
    answer(proxy, s3.endpoint, incoming, outgoing).catch((error: unknown) => outgoing.destroy(error as Error))
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  const { credentials, region } = s3
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const proxy: S3Proxy = {
    options: { bucket: BUCKET, region, endpoint, credentials, partBytes: PART_BYTES, maxAttempts: 2 },
    asked: [],
    uploads: new Map(),
    act: () => undefined,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
      await s3.stop()
    }
  }
  return proxy
}

/** The smallest that S3 allows. */
export const PART_BYTES = 5 * 2 ** 20

export const layerOf = (proxy: S3Proxy, more: Partial<S3Options> = {}) =>
  ObjectStoreS3.layer({ ...proxy.options, ...more })

const answer = async (
  proxy: S3Proxy,
  upstream: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse
) => {
  const { headers, method = "", url = "" } = incoming
  const { pathname, searchParams: query } = new URL(url, upstream)
  const [, , ...rest] = pathname.split("/")
  const closed = () => new Promise<void>((resolve) => void incoming.socket.once("close", resolve))
  const asked: Asked = { method, key: decodeURIComponent(rest.join("/")), query, headers, closed }
  proxy.asked.push(asked)
  const body = await buffer(incoming)
  const action = await proxy.act(asked)
  if (action === "hang") return
  if (action === "reset") {
    incoming.socket.resetAndDestroy()
    return
  }
  if (action !== undefined && "status" in action) {
    outgoing.writeHead(action.status, action.headers).end(action.body)
    return
  }
  if (method === "GET" && query.has("uploads")) {
    outgoing.writeHead(200, { "content-type": "application/xml" }).end(listUploads(proxy, query))
    return
  }
  const forwarded = request(new URL(url, upstream), { method, headers })
  forwarded.end(body)
  const [said] = (await once(forwarded, "response")) as [IncomingMessage]
  const content = await buffer(said)
  if (said.statusCode! < 300) track(proxy, asked, content)
  if (action !== undefined && "cutAt" in action) {
    outgoing.writeHead(said.statusCode!, said.headers)
    outgoing.write(content.subarray(0, action.cutAt), () => outgoing.destroy())
    return
  }
  outgoing.writeHead(said.statusCode!, said.headers).end(action?.change(content) ?? content)
}

/** Which uploads are open: the server does not list them. */
const track = ({ uploads }: S3Proxy, { key, method, query }: Asked, content: Buffer) => {
  const id = query.get("uploadId")
  if (method === "POST" && query.has("uploads")) {
    uploads.set(/<UploadId>(.*)<\/UploadId>/.exec(content.toString())![1]!, key)
  } else if (id !== null && (method === "DELETE" || method === "POST")) uploads.delete(id)
}

/** One upload a page. */
const listUploads = ({ uploads }: S3Proxy, query: URLSearchParams) => {
  const prefix = query.get("prefix") ?? ""
  const after = query.get("upload-id-marker") ?? ""
  const [first, ...more] = [...uploads]
    .filter(([id, key]) => key.startsWith(prefix) && id > after)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  if (first === undefined) return "<ListMultipartUploadsResult></ListMultipartUploadsResult>"
  const [id, key] = first
  return `<ListMultipartUploadsResult><IsTruncated>${more.length > 0}</IsTruncated><NextKeyMarker>${key}</NextKeyMarker><NextUploadIdMarker>${id}</NextUploadIdMarker><Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload></ListMultipartUploadsResult>`
}
