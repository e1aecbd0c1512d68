using OathServer.Storage;

namespace OathServer.Backup;

/// <summary>Where a restore and its rollback check find things.</summary>
internal sealed class BackupSettings(IConfiguration configuration)
{
    public string Folder { get; } = StorageServices.DataFolder(configuration);

    /// <summary>The journal of acceptances, when one is kept.</summary>
    public string? Journal { get; } = StorageServices.JournalPath(configuration);

    public bool OneFile { get; } = StorageServices.HasOneOwner(configuration);

    /// <summary>Of PostgreSQL; empty when SQLite's file has its usual place.</summary>
    public string ConnectionString { get; } = configuration.GetConnectionString("Oath") ?? "";

    public string Database => Path.Combine(Folder, "oath.db");

    /// <summary>There while a restore is at work: nothing is served from what is half in place.</summary>
    public string Marker => Path.Combine(Folder, "restore.pending");
}
