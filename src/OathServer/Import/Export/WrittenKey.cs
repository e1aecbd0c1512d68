using System.Buffers;
using Oath;
using OathServer.Storage;
using Pskc;

namespace OathServer.Import.Export;

/// <summary>What the server or a table knows of a key, as a key package (RFC 6030 §4.2).</summary>
internal static class WrittenKey
{
    private const string Issuer = "OathServer";

    private static readonly SearchValues<char> special = SearchValues.Create(",=+<>#;\"\\");

    /// <summary>The key of a table, for <c>pskc create</c>.</summary>
    public static KeyPackage Of(SeedKey key) => Package(
        key.Manufacturer, key.DeviceSerial, key.IssueNumber, key.KeyId ?? key.DeviceSerial, key.Owner,
        key.Type, key.Algorithm, key.Digits, key.TimeStep, key.Counter, key.Drift, key.Secret);

    /// <summary>A token with the counter it stands at now.</summary>
    public static KeyPackage Of(Token token, byte[] secret) => Package(
        token.Manufacturer, token.DeviceSerial ?? token.Serial, token.IssueNumber, token.KeyId ?? token.Serial, token.Person?.Name,
        token.Type, token.Algorithm, token.Digits, token.TimeStep, token.Counter!.Counter, token.Counter.Drift, secret);

    private static KeyPackage Package(
        string? manufacturer, string serial, string? issue, string id, string? owner, TokenType type, OathAlgorithm algorithm, int digits,
        int timeStep, long counter, int drift, byte[] secret) => new()
        {
            Manufacturer = manufacturer,
            SerialNo = serial,
            IssueNo = issue,
            UserId = owner is null ? null : Distinguished(owner),
            Keys =
            [
                new Key
                {
                    Id = id,
                    Issuer = Issuer,
                    Algorithm = type == TokenType.Totp ? KeyAlgorithm.Totp : KeyAlgorithm.Hotp,
                    Hash = algorithm switch { OathAlgorithm.Sha256 => OtpHash.Sha256, OathAlgorithm.Sha512 => OtpHash.Sha512, _ => OtpHash.Sha1 },
                    ResponseFormat = new ResponseFormat(ValueEncoding.Decimal, digits),
                    Secret = secret,
                    Counter = type == TokenType.Hotp ? counter : null,
                    // Readers that know no profile want a time to count from (RFC 6238 T0).
                    Time = type == TokenType.Totp ? 0 : null,
                    TimeInterval = type == TokenType.Totp ? timeStep : null,
                    TimeDrift = type == TokenType.Totp && drift != 0 ? drift : null,
                },
            ],
        };

    /// <summary>RFC 6030 §4.3.1 wants a distinguished name; a name that would need escapes in one stands as it is, since
    /// readers do not unescape.</summary>
    internal static string Distinguished(string user) => user.AsSpan().IndexOfAny(special) < 0 ? "UID=" + user : user;
}
