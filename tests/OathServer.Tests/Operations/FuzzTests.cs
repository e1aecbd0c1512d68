using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using OathServer.Access;

namespace OathServer.Tests.Operations;

/// <summary>Every operation of the API, asked with what its own description allows and then spoilt in many ways. Longer:
/// <c>OATH_FUZZ=5000000</c>; again: <c>OATH_FUZZ_SEED=N</c>.</summary>
public class FuzzTests
{
    private static readonly int Rounds = int.Parse(Environment.GetEnvironmentVariable("OATH_FUZZ") ?? "50000", System.Globalization.CultureInfo.InvariantCulture);
    private static readonly int Seed = int.Parse(Environment.GetEnvironmentVariable("OATH_FUZZ_SEED") ?? "20261125", System.Globalization.CultureInfo.InvariantCulture);

    [Fact]
    public async Task Whatever_is_sent_to_whichever_operation_the_answer_is_never_a_fault_of_the_server()
    {
        var settings = new Dictionary<string, string?> { ["Interop:PrivacyIdea"] = "true", ["Interop:FreeRadius"] = "true" };
        await using var server = await ServerUnderTest.StartAsync(settings);
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        var clients = new[] { await server.Client(), await server.Client(), await server.Client(Roles.RelyingParty), await server.Client(Roles.HelpDesk), await server.Client(role: null) };
        using var described = JsonDocument.Parse(await clients[0].GetStringAsync("/openapi/v1.json", Cancel));
        var operations = FuzzedRequests.OperationsOf(described.RootElement);
        var random = new Random(Seed);
        var statuses = new Dictionary<int, int>();
        var faults = new List<string>();
        var closed = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var requests = new FuzzedRequests(described.RootElement, new Random(random.Next()));
            using var request = requests.Next(operations[round % operations.Count]);
            var said = $"round {round}, seed {Seed}: {request.Method} {request.RequestUri} {request.Content?.Headers.ContentType} {requests.Body}";
            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
                limit.CancelAfter(TimeSpan.FromMinutes(1));
                using var reply = await clients[round % clients.Length].SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
                statuses[(int)reply.StatusCode] = statuses.GetValueOrDefault((int)reply.StatusCode) + 1;
                if ((int)reply.StatusCode is >= 500 and not 503)
                {
                    faults.Add($"{(int)reply.StatusCode} {said}");
                }
                else if ((int)reply.StatusCode is >= 400 and not 401 and not 403 and not 404 and not 405 && reply.Content.Headers.ContentType?.MediaType is not ("application/problem+json" or "application/scim+json" or "application/json" or "text/html") && reply.Content.Headers.ContentLength is > 0)
                {
                    faults.Add($"not a problem ({reply.Content.Headers.ContentType}) {said}");
                }
            }
            catch (HttpRequestException fault) when (requests.MayBeCutOff || fault.InnerException is IOException)
            {
                // The server closed instead of answering: a body beyond the limit, or one it would not read to the end, or a
                // connection whose last answer said so.
                closed++;
            }
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults.Take(20)));
        Assert.True(closed < Rounds / 10, $"{closed} connections were closed unanswered");
        // The fuzz reaches what it should: accepted and refused requests of many kinds.
        Assert.True(statuses.Count >= 6, string.Join(", ", statuses));
        using var after = await clients[2].PostAsJsonAsync("/v1/validate", new { serial = "A1", code = Codes.Hotp(Codes.Secret, 0) }, Cancel);
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}

/// <summary>Requests made from an OpenAPI description, most of them spoilt.</summary>
internal sealed class FuzzedRequests(JsonElement described, Random random)
{
    private static readonly string[] Nasty =
    [
        "", " ", "A1", "alice", "default", "000000", "755224", "٠٠٠٠٠٠", "７５５２２４", "+12345", "123456\n", "1e5", "-1", "9223372036854775808", "NaN", "null", "true",
        "../../etc/passwd", "..%2f..%2fetc", "%00", "%ff%fe", "a\0b", "\u202e", "😀", "é", "e\u0301", "' OR '1'='1", "%", "_", "*", "<script>", "${7*7}", "{0}", "\r\nX: y",
        new('a', 300), new('9', 5000),
    ];

    /// <summary>What was sent, shortened, for the message.</summary>
    public string Body { get; private set; } = "";

    /// <summary>The body is larger than the server reads.</summary>
    public bool MayBeCutOff { get; private set; }

    public static List<(string Method, string Path, JsonElement Operation)> OperationsOf(JsonElement described)
    {
        var found = described.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject()
            .Select(operation => (operation.Name.ToUpperInvariant(), path.Name, operation.Value))).ToList();
        // The facades are not described.
        using var none = JsonDocument.Parse("{}");
        var empty = none.RootElement.Clone();
        found.AddRange(((string[])["/validate/check", "/validate/radiuscheck", "/token/resync", "/radius/authorize", "/sign-in", "/setup", "/sign-out"]).Select(path => ("POST", path, empty)));
        return found;
    }

    public HttpRequestMessage Next((string Method, string Path, JsonElement Operation) operation)
    {
        var path = operation.Path;
        var query = new List<string>();
        if (operation.Operation.TryGetProperty("parameters", out var parameters))
        {
            foreach (var parameter in parameters.EnumerateArray())
            {
                var name = parameter.GetProperty("name").GetString()!;
                var value = Escape(random.Next(3) == 0 ? "A1" : Pick(Nasty));
                if (parameter.GetProperty("in").GetString() == "path")
                {
                    path = path.Replace("{" + name + "}", value.Length == 0 ? "%20" : value, StringComparison.Ordinal);
                }
                else if (random.Next(2) == 0)
                {
                    query.Add($"{name}={value}");
                }
            }
        }

        if (random.Next(8) == 0)
        {
            query.Add(Escape(Pick(Nasty)) + "=" + Escape(Pick(Nasty)));
        }

        var request = new HttpRequestMessage(HttpMethod.Parse(operation.Method), new Uri(path + (query.Count == 0 ? "" : "?" + string.Join('&', query)), UriKind.Relative));
        if (operation.Operation.TryGetProperty("requestBody", out var body) || operation.Method is "POST" or "PUT" or "PATCH")
        {
            request.Content = Content(operation.Operation.ValueKind == JsonValueKind.Object && body.ValueKind == JsonValueKind.Object ? SchemaOf(body) : default);
        }

        if (random.Next(10) == 0)
        {
            request.Headers.TryAddWithoutValidation(Pick(["Accept", "Idempotency-Key", "X-Forwarded-For", "If-Match", "Range", "Cookie"]), Pick(["*/*", "text/event-stream", "x", new('y', 4000), "bytes=0-", "oath-staff=AAAA"]));
        }

        return request;
    }

    private ByteArrayContent Content(JsonElement schema)
    {
        var text = schema.ValueKind == JsonValueKind.Object ? Value(schema, 0) : FormOrNothing();
        var bytes = Spoil(text);
        Body = Encoding.Latin1.GetString(bytes.AsSpan(0, Math.Min(bytes.Length, 300)));
        MayBeCutOff = bytes.Length > 60_000;
        var content = new ByteArrayContent(bytes);
        var type = random.Next(12) switch
        {
            0 => Pick(["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/json; charset=utf-16", "application/octet-stream", "x", "multipart/form-data"]),
            1 => "application/x-www-form-urlencoded",
            _ => schema.ValueKind == JsonValueKind.Object ? "application/json" : "application/x-www-form-urlencoded",
        };
        content.Headers.TryAddWithoutValidation("Content-Type", type);
        return content;
    }

    private string FormOrNothing() => random.Next(4) == 0 ? "" : string.Join('&', ((string[])["user", "pass", "serial", "realm", "otp1", "otp2", "transaction_id", "name", "password", "token"])
        .Where(_ => random.Next(2) == 0).Select(name => name + "=" + Escape(Pick(Nasty))));

    private byte[] Spoil(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        switch (random.Next(14))
        {
            case 0:
                return bytes[..random.Next(bytes.Length + 1)];
            case 1:
                return [.. bytes, .. "{}"u8];
            case 2:
                return [0xEF, 0xBB, 0xBF, .. bytes];
            case 3 when bytes.Length > 0:
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                return bytes;
            case 4 when bytes.Length > 2:
                return [.. bytes[..^1], 0xC3, 0x28, 0xFF, bytes[^1]];
            case 5:
                return Encoding.UTF8.GetBytes(new string('[', 5000));
            case 6:
                return Encoding.UTF8.GetBytes($"{{\"a\":\"{new string('x', 100_000)}\"}}");
            default:
                return bytes;
        }
    }

    private string Value(JsonElement schema, int depth)
    {
        if (random.Next(12) == 0)
        {
            return Pick(["null", "[]", "{}", "0", "-1", "1e400", "true", "\"\"", "\"\\ud800\"", "\"\\u0000\"", "99999999999999999999"]);
        }

        if (schema.TryGetProperty("$ref", out var reference))
        {
            return depth > 5 ? "null" : Value(Resolve(reference.GetString()!), depth + 1);
        }

        if (schema.TryGetProperty("oneOf", out var one) || schema.TryGetProperty("anyOf", out one))
        {
            return Value(one[random.Next(one.GetArrayLength())], depth + 1);
        }

        return TypeOf(schema) switch
        {
            "object" => Members(schema, depth),
            "array" => "[" + string.Join(',', Enumerable.Range(0, random.Next(4)).Select(_ => Value(schema.GetProperty("items"), depth + 1))) + "]",
            "integer" or "number" => Pick(["0", "1", "2", "24", "100", "-5", "2147483648", "1.5"]),
            "boolean" => Pick(["true", "false"]),
            _ when schema.TryGetProperty("enum", out var values) => values[random.Next(values.GetArrayLength())].GetRawText(),
            _ => JsonSerializer.Serialize(Pick(Nasty)),
        };
    }

    private string Members(JsonElement schema, int depth)
    {
        var members = new List<string>();
        if (schema.TryGetProperty("properties", out var properties))
        {
            foreach (var property in properties.EnumerateObject().Where(_ => random.Next(6) > 0))
            {
                var member = $"{JsonSerializer.Serialize(random.Next(25) == 0 ? property.Name.ToUpperInvariant() : property.Name)}:{Value(property.Value, depth + 1)}";
                members.AddRange(Enumerable.Repeat(member, random.Next(25) == 0 ? 2 : 1));
            }
        }

        return "{" + string.Join(',', random.Next(20) == 0 ? members.Append("\"unknown\":1") : members) + "}";
    }

    private static string TypeOf(JsonElement schema) => !schema.TryGetProperty("type", out var type)
        ? schema.TryGetProperty("properties", out _) ? "object" : "string"
        : type.ValueKind == JsonValueKind.String ? type.GetString()! : type.EnumerateArray().Select(t => t.GetString()!).First(t => t != "null");

    private JsonElement Resolve(string reference) =>
        reference.TrimStart('#', '/').Split('/').Aggregate(described, (at, name) => at.GetProperty(name));

    private static JsonElement SchemaOf(JsonElement body) =>
        body.GetProperty("content").TryGetProperty("application/json", out var json) && json.TryGetProperty("schema", out var schema) ? schema : default;

    /// <summary>Percent-encoded, except what is already.</summary>
    private static string Escape(string text) => text.Contains('%', StringComparison.Ordinal) && text.Length > 1 ? text : Uri.EscapeDataString(text);

    private string Pick(string[] of) => of[random.Next(of.Length)];
}
