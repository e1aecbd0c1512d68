using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using OathServer.Access;
using OathServer.Operations;
using OathServer.Validation.Elsewhere;
using OathServer.Validation.Pins;

namespace OathServer.Validation;

/// <summary>A code to validate: the user or the serial number, never both.</summary>
/// <param name="Code">The one-time code: 6 to 10 ASCII digits, behind the PIN where the policy of the realm asks for one.</param>
/// <param name="User">The user's name in the realm.</param>
/// <param name="Serial">The token's serial number.</param>
/// <param name="Realm">The user's realm; <c>default</c> when left out.</param>
public sealed record ValidateRequest(string Code, string? User = null, string? Serial = null, string? Realm = null);

/// <summary>The verdict. The true reason of a refusal is for staff, in the token's attempts and the trail.</summary>
/// <param name="Accepted">Whether the code was accepted; it never will be again.</param>
/// <param name="Serial">The token that accepted it; left out of a refusal, and where an old server accepted it.</param>
public sealed record ValidateReply(bool Accepted, string? Serial = null);

/// <summary><c>POST /v1/validate</c>, the one endpoint whose every microsecond is counted: it reads and writes its JSON
/// with generated code instead of the framework's binding, under the same strict rules.</summary>
internal static class ValidateEndpoint
{
    public const string DefaultRealm = "default";

    /// <summary>What a caller names its request with, to repeat it safely after a lost reply.</summary>
    public const string RequestIdHeader = "Idempotency-Key";

    private const int NameMax = 256;
    private const int RequestIdMax = 128;

    private static readonly ValidateJson Json = new(StrictOptions());

    public static void MapValidation(this IEndpointRouteBuilder routes)
    {
        // Asked for once, at the first request: the storage must have started.
        var services = routes.ServiceProvider;
        Validator? validator = null;
        routes.MapPost("/v1/validate", http => ValidateAsync(http, validator ??= services.GetRequiredService<Validator>())).RequireAuthorization(Rules.Validate)
            .KeepsToRealms()
            .WithMetadata(ApiKeyLane.Marker)
            // A RequestDelegate is not described by itself.
            .WithMetadata(((Delegate)ValidateAsync).Method)
            .WithMetadata(new AcceptsMetadata(["application/json"], typeof(ValidateRequest)))
            .WithMetadata(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(ValidateReply), ["application/json"]))
            .WithSummary("Validates a one-time code. Accepted at most once, durable before the reply.")
            .WithDescription($"With the header {RequestIdHeader} a request may be repeated for 60 seconds after an acceptance: the same relying party, id, subject and code get the same answer.")
            .AddOpenApiOperationTransformer(NameRequests)
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        ParallelRunEndpoint.Map(routes);
        RealmPolicyEndpoint.Map(routes);
        PinEndpoint.Map(routes);
        routes.MapPost("/v1/tokens/{serial}/resync", ResyncEndpoint.Resynchronise).RequireAuthorization(Rules.Resynchronise)
            .KeepsToRealms()
            .WithSummary("Realigns a token with its key by consecutive codes.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity).ProducesProblem(StatusCodes.Status503ServiceUnavailable);
    }

    private static Task NameRequests(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancel)
    {
        operation.Parameters ??= [];
        operation.Parameters.Add(new OpenApiParameter
        {
            Name = RequestIdHeader,
            In = ParameterLocation.Header,
            Description = "Names this request, so that it may be repeated after a lost reply.",
            Schema = new OpenApiSchema { Type = JsonSchemaType.String, MaxLength = RequestIdMax },
        });
        return Task.CompletedTask;
    }

    private static async Task ValidateAsync(HttpContext http, Validator validator)
    {
        var request = await ReadAsync(http);
        var code = validator.CodeOf(request.Code);
        if (FaultOf(request, code, http, validator, out var field) is { } fault)
        {
            await Problem.BadField(field, fault).ExecuteAsync(http);
            return;
        }

        var arrivedAt = RefusalPace.Now;
        var attempt = validator.TryBegin(AskedBy(request, code), CallerOf(http));
        if (attempt is not null)
        {
            await attempt.Durable;
        }

        if (attempt is null || !validator.TryEnd(attempt, http.ApiKey()?.Id ?? 0))
        {
            attempt = await validator.ResumeAsync(attempt, AskedBy(request, code), CallerOf(http), arrivedAt, http.RequestAborted);
        }

        await WriteAsync(http.Response, attempt.IsAccepted, attempt.AcceptedBy?.Serial);
    }

    private static Asked AskedBy(ValidateRequest request, string code) => request.Serial is { } serial
        ? Asked.OfSerial(serial, code)
        : Asked.OfUser(request.Realm ?? DefaultRealm, request.User!, code);

    private static Caller CallerOf(HttpContext http)
    {
        var key = http.ApiKey();
        return new Caller(key?.Id ?? 0, RealmsOf(key), http.Request.Headers[RequestIdHeader], AnswersAtOnce: true);
    }

    /// <exception cref="BadHttpRequestException">The body is not the JSON this request takes.</exception>
    private static async ValueTask<ValidateRequest> ReadAsync(HttpContext http)
    {
        if (http.Request.ContentType is not ("application/json" or "application/json; charset=utf-8") && !http.Request.HasJsonContentType())
        {
            throw new BadHttpRequestException("The body must be JSON (Content-Type: application/json).", StatusCodes.Status415UnsupportedMediaType);
        }

        var body = http.Request.BodyReader;
        while (true)
        {
            var read = await body.ReadAsync(http.RequestAborted);
            if (!read.IsCompleted)
            {
                body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }

            try
            {
                if (ValidateBody.Read(read.Buffer) is { } plain)
                {
                    return plain;
                }

                var reader = new Utf8JsonReader(read.Buffer);
                var request = JsonSerializer.Deserialize(ref reader, Json.ValidateRequest)
                    ?? throw new JsonException("The body is null.");
                // What follows the object would be dropped unseen.
                return reader.Read() ? throw new JsonException("Something follows the object.") : request;
            }
            catch (JsonException fault)
            {
                throw new BadHttpRequestException("The body is not the JSON this request takes.", StatusCodes.Status400BadRequest, fault);
            }
            finally
            {
                body.AdvanceTo(read.Buffer.End);
            }
        }
    }

    /// <summary>Writes a <see cref="ValidateReply"/>: accepted, by the token of this serial number where there is one, or refused.</summary>
    private static async ValueTask WriteAsync(HttpResponse response, bool accepted, string? serial)
    {
        var body = ValidateBody.Write(accepted, accepted ? serial : null);
        response.ContentType = "application/json; charset=utf-8";
        response.Headers.CacheControl = "no-store";
        response.ContentLength = body.Length;
        response.BodyWriter.Write(body);
        await response.BodyWriter.FlushAsync();
    }

    private static string? FaultOf(ValidateRequest request, string code, HttpContext http, Validator validator, out string field)
    {
        field = "code";
        if (FaultOf(code) is { } fault && !(MayHoldPin(code) && validator.TakesPins(request.Serial is null ? request.Realm ?? DefaultRealm : null)))
        {
            return fault;
        }

        field = request.User is null ? "serial" : "user";
        if (string.IsNullOrWhiteSpace(request.User) == string.IsNullOrWhiteSpace(request.Serial))
        {
            field = "user";
            return "send either user or serial, and not an empty one.";
        }

        if ((request.User ?? request.Serial)!.Length > NameMax)
        {
            return $"longer than {NameMax} characters.";
        }

        field = "realm";
        if (request.Realm is { Length: > NameMax })
        {
            return $"longer than {NameMax} characters.";
        }

        field = RequestIdHeader;
        var ids = http.Request.Headers[RequestIdHeader];
        return ids.Count > 1 || ids is [{ Length: > RequestIdMax }] ? $"send one, of at most {RequestIdMax} characters." : null;
    }

    internal static Validator.RealmFilter? RealmsOf(KnownApiKey? key) => key is null || key.Realms.Length == 0 ? null : key.MayEnter;

    /// <summary>A code is 6 to 10 ASCII digits and nothing else: what is lenient here is a replay elsewhere.</summary>
    internal static string? FaultOf(string code)
    {
        if (code.Length is < Oath.Hotp.MinDigits or > Oath.Hotp.MaxDigits)
        {
            return $"a code is {Oath.Hotp.MinDigits} to {Oath.Hotp.MaxDigits} digits; this has {code.Length} characters.";
        }

        foreach (var character in code)
        {
            if (!char.IsAsciiDigit(character))
            {
                return "a code is digits 0 to 9 only, without spaces or signs.";
            }
        }

        return null;
    }

    /// <summary>It may be a PIN and a code.</summary>
    private static bool MayHoldPin(string code) => code.Length is > Oath.Hotp.MinDigits and <= PinAndCode.LengthMax && !code.Any(char.IsControl);

    private static JsonSerializerOptions StrictOptions()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        HttpFront.Strict(options);
        return options;
    }
}

/// <summary>Reads what <see cref="ValidateBody"/> does not, and says what is wrong with it.</summary>
[JsonSerializable(typeof(ValidateRequest))]
internal sealed partial class ValidateJson : JsonSerializerContext;
