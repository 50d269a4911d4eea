// The facts of a request's head that handlers decide by, read in one walk over its headers.
// Shard thread. uWS's request is gone when the handler returns, so what is needed later is copied.
import type { HttpRequest, HttpResponse } from 'uWebSockets.js'

/** Answers a request whose head has been read. */
export type Handler = (response: HttpResponse, request: HttpRequest, head: RequestHead) => void

export class RequestHead {
  /** In bytes; -1 without the header. */
  contentLength = -1
  /**
   * Why the body's end cannot be trusted; '' where it can. uWS takes the first of several
   * Content-Lengths, an empty one for 0, and any Transfer-Encoding that ends in "chunked" for
   * chunked: smuggling shapes, where a proxy in front sees another end (RFC 9112, 6.3).
   */
  framingFault = ''
  contentType = ''
  /** Several are joined by commas, as lists are (RFC 9110, 5.3), and are then none that is known. */
  authorization = ''
  host = ''
  origin = ''
  userAgent = ''
  /** The first X-Forwarded-For, and the last: a proxy may add one of its own. */
  forwardedFor = ''
  lastForwardedFor = ''
  realIp = ''
  /** True with any header that a proxy adds: the peer is then not the client. */
  isForwarded = false
  /** The answer must have no body. */
  isHead = false

  #isChunked = false

  readonly #visit = (name: string, value: string): void => {
    switch (name) {
      case 'content-length':
        if (this.contentLength !== -1) {
          this.framingFault = 'Content-Length is given more than once'
        } else if (value === '') this.framingFault = 'Content-Length is empty'
        else this.contentLength = Number(value)
        break
      case 'transfer-encoding':
        if (this.#isChunked || value.toLowerCase() !== 'chunked') {
          this.framingFault = 'Transfer-Encoding can only be chunked, once'
        }
        this.#isChunked = true
        break
      case 'content-type':
        this.contentType = value
        break
      case 'authorization':
        this.authorization += this.authorization === '' ? value : `, ${value}`
        break
      case 'host':
        this.host = value
        break
      case 'origin':
        this.origin = value
        break
      case 'user-agent':
        this.userAgent = value
        break
      case 'x-forwarded-for':
        this.isForwarded = true
        if (this.forwardedFor === '') this.forwardedFor = value
        this.lastForwardedFor = value
        break
      case 'x-real-ip':
        this.isForwarded = true
        this.realIp = value
        break
      case 'forwarded':
      case 'via':
        this.isForwarded = true
        break
      default:
        if (name.startsWith('x-forwarded-')) this.isForwarded = true
    }
  }

  /** Reads another request; all fields are overwritten. */
  read(request: HttpRequest): void {
    this.contentLength = -1
    this.framingFault = ''
    this.#isChunked = false
    this.contentType = ''
    this.authorization = ''
    this.host = ''
    this.origin = ''
    this.userAgent = ''
    this.forwardedFor = ''
    this.lastForwardedFor = ''
    this.realIp = ''
    this.isForwarded = false
    this.isHead = false
    request.forEach(this.#visit)
  }
}
