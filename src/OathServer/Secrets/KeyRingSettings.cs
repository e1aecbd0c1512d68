namespace OathServer.Secrets;

/// <summary>Reads from the settings which places keep sealing keys, and which of them seals.</summary>
internal static class KeyRingSettings
{
    public const string File = "File";
    public const string Settings = "Settings";
    public const string Pkcs11 = "Pkcs11";

    /// <summary>Which of them seals: the one that <c>Secrets:Provider</c> names, else the token when one is set, else the key in
    /// the settings, else the file.</summary>
    public static string ProviderOf(IConfiguration configuration) =>
        configuration["Secrets:Provider"] is { Length: > 0 } named ? named
        : configuration["Secrets:Pkcs11:Library"] is { Length: > 0 } ? Pkcs11
        : configuration["Secrets:Key"] is { Length: > 0 } ? Settings : File;

    /// <summary>The ring. <c>Secrets:Provider</c> (<c>File</c>, <c>Settings</c>, <c>Pkcs11</c>) says which seals
    /// (<see cref="ProviderOf"/>); whatever else is set opens.</summary>
    /// <exception cref="InvalidOperationException">The settings do not fit, or a key cannot be had.</exception>
    public static KeyRing Open(IConfiguration configuration, string defaultFile, bool mayCreate, ILogger log)
    {
        var path = configuration["Secrets:KeyFile"] is { Length: > 0 } set ? set : defaultFile;
        var (key, retired) = (configuration["Secrets:Key"], configuration["Secrets:RetiredKeys"]);
        var token = TokenAddress.Of(configuration);
        var provider = ProviderOf(configuration);
        var sources = new Dictionary<string, IKeySource>();
        if (provider == File || System.IO.File.Exists(path))
        {
            sources[File] = new FileKeys(path);
        }

        if (!string.IsNullOrEmpty(key) || !string.IsNullOrEmpty(retired))
        {
            sources[Settings] = new SettingsKeys(key, retired);
        }

        if (token is not null)
        {
            sources[Pkcs11] = new TokenKeys(token, log);
        }

        if (!sources.Remove(provider, out var seals))
        {
            throw new InvalidOperationException(provider switch
            {
                Settings => "Secrets:Provider is Settings, but Secrets:Key is not set.",
                Pkcs11 => "Secrets:Provider is Pkcs11, but Secrets:Pkcs11:Library is not set.",
                _ => $"Secrets:Provider is {provider}; it must be {File}, {Settings} or {Pkcs11}.",
            });
        }

        return new KeyRing(seals, [.. sources.Values], mayCreate);
    }
}
