using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Operations.Checks;

/// <summary>The sealing key: where it is and who may read it. Whether it is the right one, the database says.</summary>
internal static class KeyCheck
{
    public static IEnumerable<Finding> Run(IConfiguration configuration)
    {
        switch (KeyRingSettings.ProviderOf(configuration))
        {
            case KeyRingSettings.Pkcs11:
                yield return OnToken(configuration);
                yield break;
            case KeyRingSettings.Settings:
                yield return configuration["Secrets:Key"] is { Length: > 0 }
                    ? Finding.Warning("sealing key", "it is in the settings", "Whoever reads the environment of the process reads it: a file of mode 0600 (Secrets:KeyFile) is safer.")
                    : Finding.Bad("sealing key", "Secrets:Provider is Settings, but Secrets:Key is not set", "Set the key, or name another provider.");
                yield break;
            case KeyRingSettings.File:
                break;
            case var other:
                yield return Finding.Bad("sealing key", $"Secrets:Provider is {other}", $"It must be {KeyRingSettings.File}, {KeyRingSettings.Settings} or {KeyRingSettings.Pkcs11}.");
                yield break;
        }

        var path = configuration["Secrets:KeyFile"] is { Length: > 0 } named ? named : Path.Combine(StorageServices.DataFolder(configuration), "sealing.key");
        if (!File.Exists(path))
        {
            yield return Finding.Warning("sealing key", $"{path} is not there", "The first start on an empty database makes it. If there was one, put it back: nothing opens without it.");
            yield break;
        }

        // Reading it is the check: a link, a wrong mode, damage are refused with words of their own.
        using var key = KeyFile.Open(path, mayCreate: false);
        yield return Finding.Good("sealing key", $"{path}, key {key.Id}, for its owner alone");
    }

    private static Finding OnToken(IConfiguration configuration)
    {
        if (configuration["Secrets:Pkcs11:Library"] is not { Length: > 0 } library)
        {
            return Finding.Bad("sealing key", "Secrets:Provider is Pkcs11, but Secrets:Pkcs11:Library is not set", "Name the PKCS#11 library, or another provider.");
        }

        if (configuration["Secrets:Pkcs11:PinFile"] is { Length: > 0 } pin)
        {
            KeyFile.RefuseOpenToOthers(pin, "PIN file");
        }

        return File.Exists(library)
            ? Finding.Good("sealing key", $"on a token behind {library}")
            : Finding.Bad("sealing key", $"{library} is not there", "Secrets:Pkcs11:Library names the PKCS#11 library.");
    }
}
