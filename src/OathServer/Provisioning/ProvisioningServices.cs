using OathServer.Provisioning.Proof;
using OathServer.Provisioning.Puk;
using OathServer.Provisioning.Reseed;
using OathServer.Provisioning.Steps;

namespace OathServer.Provisioning;

/// <summary>Registers the workflow and the readers.</summary>
internal static class ProvisioningServices
{
    private const int VirtualKeysMax = 10_000;

    public static void AddProvisioning(this IServiceCollection services, IConfiguration configuration)
    {
        var virtualKeys = configuration.GetValue("VirtualKeys:Count", 0);
        if (virtualKeys is < 0 or > VirtualKeysMax)
        {
            throw new InvalidOperationException($"VirtualKeys:Count is {virtualKeys}; it must be 0 to {VirtualKeysMax}.");
        }

        var drivers = KeyDriverSettings.ReadFrom(configuration);
        services.AddSingleton(_ => new KeyDrivers(drivers));
        services.AddSingleton(provider =>
        {
            var readers = new KeyReaders(provider.GetRequiredService<KeyDrivers>());
            readers.PlugVirtualKeys(virtualKeys);
            return readers;
        });
        services.AddSingleton<RolloutProfiles>();
        services.AddSingleton<KeySecrets>();
        services.AddSingleton<OathSteps>();
        services.AddSingleton<JobOpening>();
        services.AddSingleton<JobRun>();
        services.AddSingleton<JobClosing>();
        services.AddSingleton<Workflow>();
        services.AddSingleton<SeedRenewal>();
        services.AddSingleton<PukMasters>();
        services.AddSingleton<Statements>();
        services.AddSingleton<Drill>();
    }
}
