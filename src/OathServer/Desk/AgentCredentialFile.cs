using System.Text.Json;

namespace OathServer.Desk;

/// <summary>Where an agent keeps what it enrolled as: a file only its owner reads.</summary>
internal sealed record AgentCredentialFile(string Server, string Name, string Credential)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web) { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    /// <summary>In the user's own configuration folder.</summary>
    public static string DefaultPath => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.DoNotVerify), "oathserver", "agent.json");

    /// <summary>Null when there is no such file.</summary>
    /// <exception cref="InvalidOperationException">Others can read it, or it is not such a file.</exception>
    public static AgentCredentialFile? Read(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & ~OwnerOnly) != 0)
        {
            throw new InvalidOperationException($"{path} can be read by others. chmod 600 it, or enrol again with --code.");
        }

        try
        {
            return JsonSerializer.Deserialize<AgentCredentialFile>(File.ReadAllBytes(path), Web) ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw new InvalidOperationException($"{path} is not an agent's credential file. Enrol again with --code.");
        }
    }

    /// <summary>Written beside and moved into place, so that a full disk leaves the old one.</summary>
    public void Write(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var fresh = path + ".new";
        File.Delete(fresh);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using (var file = new FileStream(fresh, options))
        {
            JsonSerializer.Serialize(file, this, Web);
            file.Flush(flushToDisk: true);
        }

        File.Move(fresh, path, overwrite: true);
    }
}
