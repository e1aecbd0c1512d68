using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Provisioning.Proof;

/// <summary>What the server says of a finished key, under its signature: that key and server both stood at the counter (null
/// for TOTP), shown by a code accepted at that time, provisioned by that operator.</summary>
public sealed record KeyStatement(
    string Cuid, string? DeviceSerial, string? Token, string? Type, long? Counter, DateTimeOffset? ShownAt, string? Operator,
    DateTimeOffset? ProvisionedAt, string? Profile, int ProfileVersion, string Pin, string Puk, bool ManagementKeyEscrowed,
    string? FidoPolicy, string? FidoStatus, Guid Job);

/// <summary>The public half of the statement key as a JSON Web Key (RFC 7517).</summary>
public sealed record StatementKey(string Kty, string Crv, string X, string Y, string Use, string Alg, string Kid);

/// <summary>Signs statements as compact JWS (RFC 7515, ES256). The key is a secret of the server; its public half is at
/// <c>GET /v1/statements/key</c>, so that an auditor needs no access to check one.</summary>
internal sealed class Statements(ServerSecrets secrets)
{
    public const string Purpose = "statement-key";
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>The statement of a key whose newest job is confirmed; null for any other.</summary>
    public async Task<string?> OfAsync(OathDbContext db, KeyRecord record, CancellationToken cancel)
    {
        var job = await db.Jobs.AsNoTracking().Include(j => j.Steps)
            .Where(j => j.Cuid == record.Cuid && !j.IsPukOnly).OrderByDescending(j => j.StartedAt).FirstOrDefaultAsync(cancel);
        if (job is not { State: JobState.Confirmed })
        {
            return null;
        }

        var token = record.Tokens.FirstOrDefault(t => t.Id == job.TokenId);
        var statement = new KeyStatement(
            record.Cuid, record.DeviceSerial, token?.Serial, token?.Type.ToString().ToUpperInvariant(),
            token?.Type == TokenType.Hotp ? record.ProvenCounter : null, record.FirstCodeAcceptedAt, record.ProvisionedBy, record.ProvisionedAt,
            record.ProfileName, record.ProfileVersion, Kebab(record.PinMethod.ToString()), Kebab(record.PukMethod.ToString()),
            record.SealedManagementKey is not null, record.FidoPolicy, record.FidoStatus, job.Id);
        using var key = await KeyAsync(db, cancel);
        return Sign(key, JsonSerializer.SerializeToUtf8Bytes(statement, Json));
    }

    /// <summary>The public half.</summary>
    public async Task<(StatementKey Jwk, string Pem)> PublicAsync(OathDbContext db, CancellationToken cancel)
    {
        using var key = await KeyAsync(db, cancel);
        return (Jwk(key), key.ExportSubjectPublicKeyInfoPem());
    }

    /// <summary>What a statement says, when its signature is by that key; null when it is not.</summary>
    public static string? Verify(ECDsa key, string jws)
    {
        var parts = jws.Trim().Split('.');
        try
        {
            return parts.Length == 3
                && JsonDocument.Parse(Base64Url.DecodeFromChars(parts[0])).RootElement.GetProperty("alg").GetString() == "ES256"
                && key.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256)
                ? Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[1]))
                : null;
        }
        catch (Exception bad) when (bad is FormatException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string Sign(ECDsa key, byte[] payload)
    {
        var header = JsonSerializer.SerializeToUtf8Bytes(new { alg = "ES256", typ = "oathserver-key-statement+jwt", kid = Jwk(key).Kid });
        var text = $"{Base64Url.EncodeToString(header)}.{Base64Url.EncodeToString(payload)}";
        return $"{text}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256))}";
    }

    /// <summary>The server secret's 256 bits are the private scalar on P-256; the chance that they are not one is 2^-32.</summary>
    private async Task<ECDsa> KeyAsync(OathDbContext db, CancellationToken cancel)
    {
        var (_, scalar) = await secrets.CurrentAsync(db, Purpose, cancel);
        try
        {
            return ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = scalar });
        }
        finally
        {
            CryptographicOperations.ZeroMemory(scalar);
        }
    }

    private static StatementKey Jwk(ECDsa key)
    {
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        var (x, y) = (Base64Url.EncodeToString(point.X), Base64Url.EncodeToString(point.Y));
        // RFC 7638: the thumbprint of the required members in order.
        var thumbprint = SHA256.HashData(Encoding.ASCII.GetBytes($$"""{"crv":"P-256","kty":"EC","x":"{{x}}","y":"{{y}}"}"""));
        return new StatementKey("EC", "P-256", x, y, "sig", "ES256", Base64Url.EncodeToString(thumbprint));
    }

    private static string Kebab(string name) => JsonNamingPolicy.KebabCaseLower.ConvertName(name);
}
