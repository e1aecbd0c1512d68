using System.Globalization;
using System.Resources;

namespace OathServer.Provisioning.Handout;

/// <summary>The page of one key. There is no place on it for a PUK.</summary>
/// <param name="Cuid">The key.</param>
/// <param name="DeviceSerial">The number printed on it, where it has one.</param>
/// <param name="Token">The token's serial number.</param>
/// <param name="Holder">Who gets the key.</param>
/// <param name="Decisions">The profile it was provisioned with.</param>
/// <param name="Pin">The initial PIN, where the profile prints it and it was not shown before.</param>
/// <param name="HolderSetPin">The holder set the PIN at the desk.</param>
public sealed record HandoutSheet(
    string Cuid, string? DeviceSerial, string? Token, string? Holder, RolloutProfile Decisions, string? Pin, bool HolderSetPin);

/// <summary>The words of the page in the profile's language, from <c>HandoutTextEn.resx</c> and its translations.</summary>
internal sealed class HandoutWords(HandoutLanguage language)
{
    // One resource a language in this assembly: the server runs in invariant mode, which knows no cultures.
    private static readonly ResourceManager English = new("OathServer.Provisioning.Handout.HandoutTextEn", typeof(HandoutWords).Assembly);
    private static readonly ResourceManager German = new("OathServer.Provisioning.Handout.HandoutTextDe", typeof(HandoutWords).Assembly);

    private readonly ResourceManager texts = language == HandoutLanguage.De ? German : English;

    /// <summary>The page's <c>lang</c>.</summary>
    public string Language => language == HandoutLanguage.De ? "de" : "en";

    public string this[string name] => texts.GetString(name, CultureInfo.InvariantCulture) ?? throw new MissingManifestResourceException(name);

    public string Of(string name, object value) => string.Format(CultureInfo.InvariantCulture, this[name], value);
}
