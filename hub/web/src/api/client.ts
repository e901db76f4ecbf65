/** One way to the hub: JSON in and out, problem+json as ApiError, the CSRF token and a key on every change, 401 told once to the session. */

type Problem = { title?: string; detail?: string; code?: string; params?: Record<string, string | number> };

export class ApiError extends Error {
  status: number;
  code: string;
  params: Record<string, string | number>;
  constructor(status: number, problem: Problem) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    this.status = status;
    this.code = problem.code ?? (status === 0 ? 'unreachable' : `http_${status}`);
    this.params = problem.params ?? {};
  }
}

const auth = { csrf: '', onExpired: () => {} };
export const setCsrf = (token: string) => {
  auth.csrf = token;
};
export const onSessionExpired = (f: () => void) => {
  auth.onExpired = f;
};

async function problemOf(response: Response): Promise<ApiError> {
  const problem = (await response.json().catch(() => ({}))) as Problem;
  return new ApiError(response.status, problem);
}

/** Reads the answer of a request that may have been sent before the modules were there. */
export async function answer<T>(sent: Promise<Response>, quiet401 = false): Promise<T> {
  const response = await sent.catch(() => {
    throw new ApiError(0, { title: 'The hub cannot be reached' });
  });
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T;
  if (response.status === 401 && !quiet401) auth.onExpired();
  throw await problemOf(response);
}

export const get = <T>(path: string): Promise<T> => answer<T>(fetch(`/api/v1${path}`));

/** A new name for a change: the hub does it once, however often it is sent. (randomUUID is not there without TLS.) */
const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');

export function send<T>(method: 'POST' | 'DELETE', path: string, body?: unknown, quiet401 = false): Promise<T> {
  const headers: Record<string, string> = { 'X-CSRF-Token': auth.csrf, 'Idempotency-Key': newKey() };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  return answer<T>(
    fetch(`/api/v1${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) }),
    quiet401,
  );
}
export const post = <T>(path: string, body: unknown): Promise<T> => send<T>('POST', path, body);
export const path = (...parts: string[]) => parts.map((p) => `/${encodeURIComponent(p)}`).join('');
