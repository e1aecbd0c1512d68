using OathServer.Storage;

namespace OathServer.Audit;

/// <summary>Registers the trail, its anchors and its check.</summary>
internal static class AuditServices
{
    public static void AddAudit(this IServiceCollection services, IConfiguration configuration)
    {
        var syslog = AnchorSyslog.Parse(configuration["Audit:Syslog"]);
        var anchors = configuration["Audit:AnchorFile"] is { Length: > 0 } path
            ? Path.GetFullPath(path)
            : Path.Combine(StorageServices.DataFolder(configuration), "anchors.jsonl");
        services.AddSingleton<AuditTrail>();
        services.AddSingleton(new AnchorFile(anchors));
        services.AddSingleton(provider => new AnchorSyslog(
            syslog, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<AnchorSyslog>>()));
        services.AddSingleton<Anchors>();
        services.AddSingleton<TrailCheck>();
    }
}
