using System.Globalization;
using System.Text.Json;

namespace Pskc.Tests;

/// <summary>All that packages say, as text: two lists are compared whole, and a difference shows.</summary>
internal static class Facts
{
    private static readonly JsonSerializerOptions indented = new() { WriteIndented = true };

    /// <summary>A package of many keys counts as many packages, which is how the RFC writes it.</summary>
    public static string Of(IEnumerable<KeyPackage> packages) => JsonSerializer.Serialize(
        packages.SelectMany(package => package.Keys.Count == 0 ? [Of(package, null)] : package.Keys.Select(key => Of(package, key))),
        indented);

    private static object Of(KeyPackage package, Key? key) => new
    {
        package.Manufacturer,
        package.SerialNo,
        package.Model,
        package.IssueNo,
        package.DeviceBinding,
        Start = Instant(package.StartDate),
        Expiry = Instant(package.ExpiryDate),
        package.UserId,
        package.CryptoModuleId,
        key?.Id,
        key?.Algorithm,
        key?.Suite,
        key?.Hash,
        key?.Issuer,
        key?.FriendlyName,
        KeyUserId = key?.UserId,
        key?.KeyProfileId,
        key?.KeyReference,
        key?.ResponseFormat,
        key?.ChallengeFormat,
        Secret = key?.Secret is null ? null : Convert.ToHexStringLower(key.Secret),
        key?.Counter,
        key?.Time,
        key?.TimeInterval,
        key?.TimeDrift,
        key?.IsUsable,
        PolicyStart = Instant(key?.Policy.StartDate),
        PolicyExpiry = Instant(key?.Policy.ExpiryDate),
        key?.Policy.KeyUsage,
        key?.Policy.NumberOfTransactions,
        key?.Policy.Pin,
    };

    private static string? Instant(DateTimeOffset? date) => date?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);
}
