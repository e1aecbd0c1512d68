namespace OathServer.Backup;

/// <summary>Registers backup, restore and what notices a rollback.</summary>
internal static class BackupServices
{
    public static void AddBackup(this IServiceCollection services)
    {
        services.AddSingleton<BackupSettings>();
        services.AddSingleton<BackupMaking>();
        services.AddSingleton<RollbackCheck>();
        services.AddSingleton<JournalReplay>();
        services.AddSingleton<SafeState>();
        services.AddSingleton<Acceptance>();
    }
}
