using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Operations.Checks;

/// <summary>The sealing key: where it is and who may read it. Whether it is the right one, the database says.</summary>
internal static class KeyCheck
{
    public static IEnumerable<Finding> Run(IConfiguration configuration)
    {
        if (configuration["Secrets:Pkcs11:Library"] is { Length: > 0 } library)
        {
            if (configuration["Secrets:Pkcs11:PinFile"] is { Length: > 0 } pin)
            {
                KeyFile.RefuseOpenToOthers(pin, "PIN file");
            }

            yield return File.Exists(library)
                ? Finding.Good("sealing key", $"on a token behind {library}")
                : Finding.Bad("sealing key", $"{library} is not there", "Secrets:Pkcs11:Library names the PKCS#11 library.");
            yield break;
        }

        if (configuration["Secrets:Key"] is { Length: > 0 })
        {
            yield return Finding.Warning("sealing key", "it is in the settings", "Whoever reads the environment of the process reads it: a file of mode 0600 (Secrets:KeyFile) is safer.");
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
}
