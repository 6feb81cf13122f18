/** A server that speaks S3, in this process and its memory. */
import { buildApp } from "fauxqs"

/** A request may have up to 11 MiB: larger objects need multipart uploads. `If-None-Match` is not enforced. */
export interface S3Server extends AsyncDisposable {
  readonly endpoint: string
  readonly region: string
  /** Any are accepted. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  createBucket(name: string): Promise<void>
  stop(): Promise<void>
}

/** Starts it on a free port of 127.0.0.1. Clients have to set `forcePathStyle`. */
export const startS3 = async (): Promise<S3Server> => {
  const region = "us-east-1"
  const app = buildApp({ logger: false, host: "127.0.0.1", defaultRegion: region })
  const endpoint = await app.listen({ host: "127.0.0.1", port: 0 })
  const stop = async () => {
    // Clients keep idle connections open.
    app.server.closeAllConnections()
    await app.close()
  }
  return {
    endpoint,
    region,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    createBucket: async (name) => {
      const { body, statusCode } = await app.inject({ method: "PUT", url: `/${name}` })
      if (statusCode !== 200) throw new Error(`no bucket ${name} (${statusCode}): ${body}`)
    },
    stop,
    [Symbol.asyncDispose]: stop
  }
}
