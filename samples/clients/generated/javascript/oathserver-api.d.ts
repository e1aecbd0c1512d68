/* eslint-disable */
/* tslint:disable */
// @ts-nocheck
/*
 * ---------------------------------------------------------------
 * ## THIS FILE WAS GENERATED VIA SWAGGER-TYPESCRIPT-API        ##
 * ##                                                           ##
 * ## AUTHOR: acacode                                           ##
 * ## SOURCE: https://github.com/acacode/swagger-typescript-api ##
 * ---------------------------------------------------------------
 */

/** How the initial PIN was set, and whether it can still be shown (once). */
export interface PinStateView {
  method: string;
  canBeRevealed: boolean;
}
export interface ProblemDetails {
  type?: string | null;
  title?: string | null;
  /** @format int32 */
  status?: number | null;
  detail?: string | null;
  instance?: string | null;
}
/** How the PUK was made, whether it can be had, and whether a person has seen it. */
export interface PukStateView {
  method: string;
  available: boolean;
  /** @format int32 */
  masterVersion: number | null;
  knownToPerson: boolean;
}
/** An OATH credential on the key, with the file its seed came from. */
export interface RecordCredential {
  serial: string;
  type: string;
  state: string;
  /** @format int64 */
  counter: number;
  /** @format int32 */
  failures: number;
  /** @format date-time */
  lastAcceptedAt: string | null;
  file: string | null;
  fileDigest: string | null;
  keyId: string | null;
  /** What weakened its import: that MACs were not checked. Null as a rule. */
  importCaution?: string | null;
}
/** A record as staff see it. PIN, PUK and secrets are never part of it; whether they can be had is. */
export interface RecordView {
  cuid: string;
  cuidSource: string;
  deviceSerial: string | null;
  model: string | null;
  firmware: string | null;
  status: string;
  user: string | null;
  displayName: string | null;
  mail: string | null;
  realm: string | null;
  profile: string | null;
  /** @format int32 */
  profileVersion: number;
  batch: string | null;
  provisionedBy: string | null;
  /** @format date-time */
  provisionedAt: string | null;
  /** How the initial PIN was set, and whether it can still be shown (once). */
  pin: PinStateView;
  /** How the PUK was made, whether it can be had, and whether a person has seen it. */
  puk: PukStateView;
  managementKeyEscrowed: boolean;
  fidoPolicy: string | null;
  fidoStatus: string | null;
  /** @format date-time */
  firstCodeAcceptedAt: string | null;
  credentials: RecordCredential[];
  notes: string | null;
  /** @format date-time */
  updatedAt: string;
}
/** Where the key was found. */
export interface ResyncReply {
  /** Always true in a 200. */
  resynchronised: boolean;
  /** The token. */
  serial: string;
  /**
   * How many codes ahead of the server the key was.
   * @format int64
   */
  distance: number;
  /**
   * The next counter the server accepts.
   * @format int64
   */
  counter: number;
}
/** Consecutive codes from the key. */
export interface ResyncRequest {
  /** Two codes pressed one after the other; three when the window is above 100. */
  codes: string[];
}
/** The verdict. The true reason of a refusal is for staff, in the token's attempts and the trail. */
export interface ValidateReply {
  /** Whether the code was accepted; it never will be again. */
  accepted: boolean;
  /** The token that accepted it; left out of a refusal, and where an old server accepted it. */
  serial?: string | null;
}
/** A code to validate: the user or the serial number, never both. */
export interface ValidateRequest {
  /** The one-time code: 6 to 10 ASCII digits, behind the PIN where the policy of the realm asks for one. */
  code: string;
  /** The user's name in the realm. */
  user?: string | null;
  /** The token's serial number. */
  serial?: string | null;
  /** The user's realm; `default` when left out. */
  realm?: string | null;
}
export type QueryParamsType = Record<string | number, any>;
export type ResponseFormat = keyof Omit<Body, "body" | "bodyUsed">;
export interface FullRequestParams extends Omit<RequestInit, "body"> {
  /** set parameter to `true` for call `securityWorker` for this request */
  secure?: boolean;
  /** request path */
  path: string;
  /** content type of request body */
  type?: ContentType;
  /** query params */
  query?: QueryParamsType;
  /** format of response (i.e. response.json() -> format: "json") */
  format?: ResponseFormat;
  /** request body */
  body?: unknown;
  /** base url */
  baseUrl?: string;
  /** request cancellation token */
  cancelToken?: CancelToken;
}
export type RequestParams = Omit<
  FullRequestParams,
  "body" | "method" | "query" | "path"
>;
export interface ApiConfig<SecurityDataType = unknown> {
  baseUrl?: string;
  baseApiParams?: Omit<RequestParams, "baseUrl" | "cancelToken" | "signal">;
  securityWorker?: (
    securityData: SecurityDataType | null,
  ) => Promise<RequestParams | void> | RequestParams | void;
  customFetch?: typeof fetch;
}
export interface HttpResponse<D extends unknown, E extends unknown = unknown>
  extends Response {
  data: D;
  error: E;
}
type CancelToken = Symbol | string | number;
export declare enum ContentType {
  Json = "application/json",
  JsonApi = "application/vnd.api+json",
  FormData = "multipart/form-data",
  UrlEncoded = "application/x-www-form-urlencoded",
  Text = "text/plain",
}
export declare class HttpClient<SecurityDataType = unknown> {
  baseUrl: string;
  private securityData;
  private securityWorker?;
  private abortControllers;
  private customFetch;
  private baseApiParams;
  constructor(apiConfig?: ApiConfig<SecurityDataType>);
  setSecurityData: (data: SecurityDataType | null) => void;
  protected encodeQueryParam(key: string, value: any): string;
  protected addQueryParam(query: QueryParamsType, key: string): string;
  protected addArrayQueryParam(query: QueryParamsType, key: string): any;
  protected toQueryString(rawQuery?: QueryParamsType): string;
  protected addQueryParams(rawQuery?: QueryParamsType): string;
  private contentFormatters;
  protected mergeRequestParams(
    params1: RequestParams,
    params2?: RequestParams,
  ): RequestParams;
  protected createAbortSignal: (
    cancelToken: CancelToken,
  ) => AbortSignal | undefined;
  abortRequest: (cancelToken: CancelToken) => void;
  request: <T = any, E = any>({
    body,
    secure,
    path,
    type,
    query,
    format,
    baseUrl,
    cancelToken,
    ...params
  }: FullRequestParams) => Promise<HttpResponse<T, E>>;
}
/**
 * @title OathServer
 * @version v1
 */
export declare class OathServerApi<SecurityDataType extends unknown> {
  http: HttpClient<SecurityDataType>;
  constructor(http: HttpClient<SecurityDataType>);
  v1: {
    /**
     * @description With the header Idempotency-Key a request may be repeated for 60 seconds after an acceptance: the same relying party, id, subject and code get the same answer.
     *
     * @tags OathServer
     * @name ValidateValidate
     * @summary Validates a one-time code. Accepted at most once, durable before the reply.
     * @request POST:/v1/validate
     * @secure
     */
    validateValidate: (
      data: ValidateRequest,
      params?: RequestParams,
    ) => Promise<HttpResponse<ValidateReply, ProblemDetails>>;
    /**
     * No description
     *
     * @tags OathServer
     * @name ResyncResynchronise
     * @summary Realigns a token with its key by consecutive codes.
     * @request POST:/v1/tokens/{serial}/resync
     * @secure
     */
    resyncResynchronise: (
      serial: string,
      data: ResyncRequest,
      params?: RequestParams,
    ) => Promise<HttpResponse<ResyncReply, ProblemDetails>>;
    /**
     * No description
     *
     * @tags OathServer
     * @name RecordsSearch
     * @summary Finds records by CUID, device serial, token serial, user name, mail or employee number.
     * @request GET:/v1/records
     * @secure
     */
    recordsSearch: (
      query?: {
        search?: string;
      },
      params?: RequestParams,
    ) => Promise<HttpResponse<RecordView[], any>>;
  };
}
export {};
