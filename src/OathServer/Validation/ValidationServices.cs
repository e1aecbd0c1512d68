using OathServer.Validation.Elsewhere;
using OathServer.Validation.Pins;

namespace OathServer.Validation;

/// <summary>Registers the hot path.</summary>
internal static class ValidationServices
{
    /// <exception cref="InvalidOperationException">A setting of the section <c>Validation</c> is out of bounds.</exception>
    public static void AddValidation(this IServiceCollection services, IConfiguration configuration)
    {
        var policy = configuration.GetSection(ValidationPolicy.Section).Get<ValidationPolicy>() ?? new ValidationPolicy();
        if (string.Join(" ", policy.Faults()) is { Length: > 0 } faults)
        {
            throw new InvalidOperationException(faults);
        }

        services.AddSingleton(policy);
        services.AddSingleton<RealmPolicies>();
        services.AddHostedService(provider => provider.GetRequiredService<RealmPolicies>());
        services.AddSingleton<RealmPolicyLife>();
        services.AddHostedService<AttemptFigures>();
        services.AddSingleton<CredentialCache>();
        services.AddSingleton<RequestHash>();
        services.AddSingleton<SeedSwitch>();
        services.AddSingleton<PinCheck>();
        services.AddSingleton<TokenPinLife>();
        services.AddSingleton<GuessingWatch>();
        services.AddSingleton<ResyncTries>();
        services.AddSingleton<AttackAlarms>();
        services.AddHostedService(provider => provider.GetRequiredService<AttackAlarms>());
        services.AddSingleton<Validator>();
        services.AddSingleton<AheadSearch>();
        services.AddParallelRun(configuration);
    }
}
