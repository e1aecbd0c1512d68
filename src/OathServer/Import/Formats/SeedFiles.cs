namespace OathServer.Import.Formats;

/// <summary>Opens a seed file as what it is.</summary>
internal static class SeedFiles
{
    public static SeedFile Open(SeedStream stream, ImportOptions options, DateTimeOffset now)
    {
        var format = options.Format ?? SeedFormat.Pskc;
        return PskcSeeds.Open(stream, options, now);
    }
}
